"""Builds the engines of contracts, bit for bit the same wherever it runs.

    python engines/build.py            build and compare with the hashes in chaosnet/contracts/engines
    python engines/build.py --write    build and replace them: a new rule set, once a network runs
    python engines/build.py --pin      only write the hashes of modules and preludes into chaosnet/rules

Sources come out of two source packages and one compiler package, fetched by pip and checked by SHA-256. All
that is linked is compiled here, with relative paths, in one order; no ready-made library takes part.
Nothing of this is needed to run a node: the built modules are in the repository.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = HERE.parent / "chaosnet/contracts/engines"
RULES = HERE.parent / "chaosnet/rules/engines.py"

PACKAGES = {
    # name: (version, file, SHA-256)
    "lupa": ("2.8", "lupa-2.8.tar.gz", "d8022641b9ec8ecf2c5ecbe9f47e5a70e0b87c4b5ae921b92cb02a638e0acd08"),
    "quickjs-ng": (
        "0.17.0.2",
        "quickjs_ng-0.17.0.2.tar.gz",
        "43d2e48272208721a7aaea8e3f02d4b9318f12ef20cc4f5421b59d9a470706ef",
    ),
    "ziglang": (
        "0.17.1",
        "ziglang-0.17.1-py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64.whl",
        "ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54",
    ),
}

MEMORY_BYTES = 24 << 20
STACK_BYTES = 128 << 10
"""Shadow stack of the guest, at the bottom of its memory: running over it is a fault, not a silent write."""

# No bulk memory: what it costs in fuel differs between versions of the runtime.
CPU = "generic-bulk_memory-bulk_memory_opt"
CPU_LUA = "generic+exception_handling-bulk_memory-bulk_memory_opt"
"""Lua leaves its functions by longjmp, which is an exception of wasm."""

CFLAGS = [
    *("-target", "wasm32-wasi", "-O2", "-std=gnu17", "-w", "-fno-trapping-math", "-ffunction-sections"),
    *("-DNDEBUG", "-D_GNU_SOURCE", "-D_WASI_EMULATED_SIGNAL", "-Isrc"),
    *(f"-DMEMORY_BYTES={MEMORY_BYTES}u", f"-DSTACK_BYTES={STACK_BYTES}"),
    *("-ffile-prefix-map=.=engine", "-fno-ident"),
]
SJLJ = ["-mllvm", "-wasm-enable-sjlj", "-mllvm", "-wasm-use-legacy-eh=false"]

MUSL = "zig/lib/libc/musl/src"
WASI = "zig/lib/libc/wasi/libc-top-half"
LIBC_INCLUDES = [
    *(f"-I{WASI}/musl/src/include", f"-I{WASI}/musl/src/internal", f"-I{MUSL}/include", f"-I{MUSL}/internal"),
    *(f"-I{WASI}/musl/arch/wasm32", "-Izig/lib/libc/musl/arch/generic", f"-I{WASI}/headers/private"),
    # numbers of 64 bits only, as both languages have
    *("-D__wasilibc_printscan_no_long_double", '-D__wasilibc_printscan_full_support_option=""'),
]
LIBC = [
    # printing and reading of numbers, exactly rounded
    f"{MUSL}/stdio/__toread.c",
    f"{MUSL}/stdio/__towrite.c",
    f"{MUSL}/stdio/__uflow.c",
    f"{MUSL}/stdio/fwrite.c",
    f"{MUSL}/stdio/snprintf.c",
    f"{WASI}/musl/src/internal/floatscan.c",
    f"{WASI}/musl/src/internal/shgetc.c",
    f"{WASI}/musl/src/stdio/vfprintf.c",
    f"{WASI}/musl/src/stdio/vsnprintf.c",
    f"{WASI}/musl/src/stdlib/strtod.c",
]
NO_OBJECT = "    if (JS_VALUE_GET_TAG(source) != JS_TAG_OBJECT)\n        return 0;\n"
SPREAD_TEXT = """\
    if (JS_IsString(source)) {
        source = JS_ToObject(ctx, source);
        ret = JS_IsException(source)
            ? -1 : JS_CopyDataProperties(ctx, target, source, excluded, setprop);
        JS_FreeValue(ctx, source);
        return ret;
    }
"""
GET_PROTOTYPE = "    s = get_proxy_method(ctx, &method, obj, JS_ATOM_getPrototypeOf);\n"
ON_STACK = "    volatile int on_stack = 0;\n\n    (void)on_stack;\n"
FLOATS_DIVIDED = """\
js_number(JS_VALUE_GET_FLOAT64(op1) /
                                       JS_VALUE_GET_FLOAT64(op2))"""
LIMB = "        r = a1 % b;\n"
LIMB_TOLL = "        TOLL(32);\n"
LIMB_DIVIDED = f"        tabr[i] = a1 / b;\n{LIMB}    }}\n"
MENDED = [
    # file, what is there once, what it becomes.
    # Sizes of Lua are as long as its integers; here they are not.
    (
        "lua/lstrlib.c",
        "return (size_t)pos;\n  else if (pos ==",
        "return pos > INT_MAX ? INT_MAX : pos;\n  else if (pos ==",
    ),
    ("lua/lstrlib.c", "size_t len = (size_t)unpackint(", "lua_Unsigned len = (lua_Unsigned)unpackint("),
    # Spreading a text into an object copies its characters.
    ("quickjs/quickjs.c", NO_OBJECT, SPREAD_TEXT + NO_OBJECT),
    # A recursion over proxies that takes nothing of the guest's stack would end by the native one,
    # whose frames differ between processors.
    ("quickjs/quickjs.c", GET_PROTOTYPE, ON_STACK + GET_PROTOTYPE),
    # What is slow for its operators is paid for: see toll.h.
    ("quickjs/quickjs.c", '#include "quickjs.h"\n', '#include "quickjs.h"\n#include "toll.h"\n'),
    ("quickjs/quickjs.c", "dr = d1 * d2;", "dr = paid_mul(d1, d2);"),
    ("quickjs/quickjs.c", "dr = d1 / d2;", "dr = paid_div(d1, d2);"),
    ("quickjs/quickjs.c", " d = d1 * d2;", " d = paid_mul(d1, d2);"),
    ("quickjs/quickjs.c", "js_number(d1 / d2)", "js_number(paid_div(d1, d2))"),
    ("quickjs/quickjs.c", " d = pow(a, b);", " d = paid_pow(a, b);"),
    (
        "quickjs/quickjs.c",
        "JS_VALUE_GET_FLOAT64(op1) * JS_VALUE_GET_FLOAT64(op2)",
        "paid_mul(JS_VALUE_GET_FLOAT64(op1), JS_VALUE_GET_FLOAT64(op2))",
    ),
    (
        "quickjs/quickjs.c",
        FLOATS_DIVIDED,
        FLOATS_DIVIDED.replace("(JS", "(paid_div(JS", 1).replace(" /", ",") + ")",
    ),
    ("quickjs/quickjs.c", "js_number(func.f_f(d1))", "js_number(paid(d1, d1, func.f_f(d1)))"),
    ("quickjs/quickjs.c", "js_number(func.f_f_f(d1, d2))", "js_number(paid(d1, d2, func.f_f_f(d1, d2)))"),
    (
        "lua/lmathlib.c",
        "luaL_checknumber(L, 1) * (l_mathop(180.0) / PI)",
        "paid_mul(luaL_checknumber(L, 1), l_mathop(180.0) / PI)",
    ),
    (
        "lua/lmathlib.c",
        "luaL_checknumber(L, 1) * (PI / l_mathop(180.0))",
        "paid_mul(luaL_checknumber(L, 1), PI / l_mathop(180.0))",
    ),
    ("quickjs/quickjs.c", LIMB_DIVIDED, LIMB_DIVIDED.replace(LIMB, LIMB + LIMB_TOLL)),
]
QUICKJS = ["dtoa.c", "libregexp.c", "libunicode.c", "quickjs.c"]


def fetch(packages: Path, names: Iterable[str] = tuple(PACKAGES)) -> None:
    """Bring packages into a folder, by pip with its own configuration; fail when a hash differs.

    pip's finder is asked instead of `pip download`, which would build a source package to read its metadata.
    """
    program = """
import sys
from pip._internal.commands import create_command
command = create_command("download")
options, _ = command.parse_args(["x"])
with command.main_context():
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session)
    for name, version, file in (line.split() for line in sys.argv[2:]):
        link = next(c.link for c in finder.find_all_candidates(name) if c.link.filename == file)
        answer = session.get(link.url_without_fragment)
        answer.raise_for_status()
        with open(f"{sys.argv[1]}/{file}", "wb") as out:
            out.write(answer.content)
"""
    packages.mkdir(parents=True, exist_ok=True)
    chosen = {name: PACKAGES[name] for name in names}
    wanted = [f"{n} {v} {file}" for n, (v, file, _) in chosen.items() if not (packages / file).exists()]
    if wanted:
        subprocess.run([sys.executable, "-c", program, str(packages), *wanted], check=True)
    for _, file, digest in chosen.values():
        found = hashlib.sha256((packages / file).read_bytes()).hexdigest()
        if found != digest:
            raise SystemExit(f"{file} has SHA-256 {found}, not {digest}")


def unpack(packages: Path, work: Path) -> None:
    """Lay out lua/, quickjs/, zig/ and src/ in the work folder, which is where the compiler runs."""
    sources = {"lupa": ("third-party/lua54", "lua"), "quickjs-ng": ("upstream-quickjs", "quickjs")}
    for name, (folder, to) in sources.items():
        with tarfile.open(packages / PACKAGES[name][1]) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from 3.11.4 on
            archive.extractall(work / name)  # noqa: S202 - its hash is known
        (top,) = (work / name).iterdir()
        shutil.move(top / folder, work / to)
    for file, found, mended in MENDED:
        text = (work / file).read_text("latin-1")
        if text.count(found) != 1:
            raise SystemExit(f"{file} does not have {found!r} once")
        (work / file).write_text(text.replace(found, mended), "latin-1")
    with zipfile.ZipFile(packages / PACKAGES["ziglang"][1]) as wheel:
        wheel.extractall(work / "ziglang")  # noqa: S202 - its hash is known
    (work / "ziglang/ziglang").rename(work / "zig")
    (work / "zig/zig").chmod(0o755)
    shutil.copytree(HERE / "src", work / "src")


class Compiler:
    """The compiler in the work folder; every path that it sees is relative to there."""

    def __init__(self, work: Path) -> None:
        self._work = work
        cache = str(work / "cache")
        self._environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
        (work / "objects").mkdir()

    def _zig(self, *arguments: str) -> None:
        program = str(self._work / "zig/zig")
        subprocess.run([program, *arguments], cwd=self._work, env=self._environment, check=True)

    def c(self, name: str, source: str, *flags: str, cpu: str = CPU) -> str:
        """Compile one source of C or assembly; return the object."""
        out = f"objects/{name}.o"
        self._zig("cc", *CFLAGS, f"-mcpu={cpu}", *flags, "-c", source, "-o", out)
        return out

    def zig(self, name: str, source: str) -> str:
        """Compile one source of Zig; return the object."""
        out = f"objects/{name}.o"
        options = [
            "-target",
            "wasm32-wasi",
            f"-mcpu={CPU}",
            "-O",
            "ReleaseFast",
            "-fstrip",
            "-fsingle-threaded",
        ]
        self._zig("build-obj", source, *options, f"-femit-bin={out}")
        return out

    def link(self, name: str, objects: list[str]) -> bytes:
        """Link objects, in this order, into a module with fixed memory; return its bytes."""
        out = f"{name}.wasm"
        options = ["--no-entry", "--strip-all", "--gc-sections", "--stack-first", "--export=__stack_pointer"]
        memory = [f"--initial-memory={MEMORY_BYTES}", f"--max-memory={MEMORY_BYTES}"]
        self._zig("wasm-ld", *options, *memory, "-z", f"stack-size={STACK_BYTES}", *objects, "-o", out)
        return (self._work / out).read_bytes()


def shared_objects(compiler: Compiler) -> Iterator[str]:
    """Yield what both engines need: memory, text, numbers, mathematics."""
    yield compiler.c("alloc", "src/alloc.c", "-fno-builtin")
    yield compiler.c("libc", "src/libc.c", "-fno-builtin")
    yield compiler.c("memory", "src/memory.c", "-fno-builtin", "-fno-vectorize")
    for source in LIBC:
        yield compiler.c("libc_" + Path(source).stem, source, *LIBC_INCLUDES)
    yield compiler.zig("math", "src/math.zig")
    yield compiler.zig("compiler_rt", "zig/lib/compiler_rt.zig")


def build(packages: Path, work: Path) -> dict[str, bytes]:
    """Build both modules in an empty work folder."""
    unpack(packages, work)
    compiler = Compiler(work)
    shared = list(shared_objects(compiler))
    lua = [
        compiler.c("lua_engine", "src/lua_engine.c", "-Ilua", *SJLJ, cpu=CPU_LUA),
        compiler.c("longjmp", "src/longjmp.S", cpu=CPU_LUA),
        compiler.c("rt", f"{WASI}/musl/src/setjmp/wasm32/rt.c", *SJLJ, cpu=CPU_LUA),
    ]
    js = [compiler.c("js_engine", "src/js_engine.c", "-Iquickjs")]
    js += [compiler.c("qjs_" + Path(name).stem, f"quickjs/{name}", "-Iquickjs") for name in QUICKJS]
    return {"lua": compiler.link("lua", lua + shared), "javascript": compiler.link("javascript", js + shared)}


def pin() -> None:
    """Write the hashes of the files that the newest rule set names beside their names."""
    text = RULES.read_text()
    for name in re.findall(r'(?:module|prelude)="(.+)"', text):
        digest = hashlib.sha256((MODULES / name).read_bytes()).hexdigest()
        text = re.sub(rf'(="{re.escape(name)}",\s+\w+_sha256=)"\w+"', rf'\1"{digest}"', text)
    RULES.write_text(text)


def main() -> None:
    """Build, then write or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, help="folder that keeps the fetched packages")
    parser.add_argument("--work", type=Path, help="empty folder to build in")
    parser.add_argument("--write", action="store_true", help="replace the modules in the repository")
    parser.add_argument("--pin", action="store_true", help="write the hashes into the rules, build nothing")
    arguments = parser.parse_args()
    if arguments.pin:
        pin()
        return
    with tempfile.TemporaryDirectory() as scratch:
        packages = arguments.packages or Path(scratch, "packages")
        work = (arguments.work or Path(scratch, "work")).resolve()
        work.mkdir(parents=True, exist_ok=True)
        fetch(packages)
        modules = build(packages, work)
    is_same = True
    for name, module in modules.items():
        path = MODULES / f"{name}.wasm"
        if arguments.write:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(module)
        is_same &= path.exists() and path.read_bytes() == module
        print(f"{hashlib.sha256(module).hexdigest()}  {name}.wasm  {len(module)} bytes")
    if arguments.write:
        pin()
    if not is_same:
        raise SystemExit("differs from the modules in chaosnet/contracts/engines")


if __name__ == "__main__":
    main()
