"""The house rules hold in every file, and the checker catches what it is there for."""

import re
from pathlib import Path

import pytest

from chaosnet.base.errors import CODES
from tests import tidy
from tests.tidy import REPOSITORY

NO_UNIT_TEST: dict[str, str] = {
    # core file -> why it has no test file of its own
    "base/limits.py": "numbers only",
    "kernel/events.py": "types only",
    "kernel/ports.py": "types only",
    "consensus/engine.py": "types only",
    "consensus/branching.py": "types only",
    "kernel/blocks.py": "types only",
    "consensus/rounds.py": "abstract: tests of pbft and dbft",
    "protocol/transport.py": "types only",
    "contracts/machine.py": "types only",
    "ledger/contracts/requests.py": "types only",
}


IMPURE: dict[str, tuple[str, ...]] = {
    # core file -> what it may do that the rest of the core may not
    "contracts/thread_stack.py": ("ctypes in the core",),
    "contracts/wasm_instance.py": ("ctypes in the core", "broad except in the core"),
}


def findings_in(paths: list[Path], check: object) -> list[str]:
    assert callable(check)
    return [
        f"{path.relative_to(REPOSITORY)}:{line}: {text}"
        for path in paths
        for line, text in check(path.read_text())
    ]


def report(found: list[str]) -> str:
    return "\n" + "\n".join(found)


# ── the rules hold ───────────────────────────────────────────────────────────────────────────────────────


def test_every_file_is_short() -> None:
    found = findings_in(tidy.source_files(*tidy.PACKAGES, "tests", "scripts"), tidy.check_shape)
    assert not found, report(found)


def test_core_is_pure_and_deterministic() -> None:
    core = tidy.core_files()
    assert core
    shared_sets = tidy.declared_sets([path.read_text() for path in core])
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {text}"
        for path in core
        for line, text in tidy.check_core(path.read_text(), shared_sets)
        if text not in IMPURE.get(str(path.relative_to(REPOSITORY / "chaosnet")), ())
    ]
    assert not found, report(found)


def test_names_say_what_is_inside() -> None:
    found = [
        str(path.relative_to(REPOSITORY))
        for path in tidy.source_files(*tidy.PACKAGES)
        if path.stem in tidy.EMPTY_NAMES or path.parent.name in tidy.EMPTY_NAMES
    ]
    assert not found, report(found)


def test_errors_use_listed_codes() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {code!r} is not in CODES of base/errors.py"
        for path in tidy.source_files(*tidy.PACKAGES)
        for line, code in tidy.error_codes(path.read_text())
        if code not in CODES
    ]
    assert not found, report(found)


def test_listed_codes_are_used() -> None:
    used: set[str] = set()
    for path in tidy.source_files(*tidy.PACKAGES):
        if path != REPOSITORY / "chaosnet/base/errors.py":
            used |= tidy.string_literals(path.read_text())
    assert not set(CODES) - used, f"codes that nothing uses: {sorted(set(CODES) - used)}"


def test_core_files_have_their_unit_tests() -> None:
    files = {str(path.relative_to(REPOSITORY / "chaosnet")) for path in tidy.core_files()}
    missing = []
    for name in sorted(files):
        room, stem = Path(name).parent, Path(name).stem
        test = REPOSITORY / "tests/unit" / room / f"test_{stem}.py"
        if stem != "__init__" and name not in NO_UNIT_TEST and not test.exists():
            missing.append(str(test.relative_to(REPOSITORY)))
    assert not missing, report(missing)
    assert set(NO_UNIT_TEST) <= files, "the table of exceptions names a file that is gone"


def test_repository_tells_nothing_of_where_and_how_it_was_written() -> None:
    checkers = (Path(tidy.__file__), Path(__file__))
    found = [
        f"{path.relative_to(REPOSITORY)}:{line}: {text}"
        for path, content in tidy.text_files()
        if path not in checkers
        for line, text in tidy.check_text(content)
    ]
    assert not found, report(found)


def test_documents_link_to_files_that_exist() -> None:
    broken = [
        f"{path.relative_to(REPOSITORY)}: {target}"
        for path, content in tidy.text_files()
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!\w+:)([^)#\s]+)", content)
        if not (path.parent / target).exists()
    ]
    assert not broken, report(broken)


def test_architecture_page_names_every_room() -> None:
    page = (REPOSITORY / "docs/architecture.md").read_text()
    rooms = {path.parent.name for path in (REPOSITORY / "chaosnet").glob("*/__init__.py")}
    missing = sorted(room for room in rooms if not re.search(rf"\b{room}/", page))
    assert not missing, f"docs/architecture.md has no line for {missing}"


# ── the checker sees what it should ──────────────────────────────────────────────────────────────────────

BAD_CORE = [
    ("now = time.time()\n", "clock"),
    ("import time\n", "time in the core"),
    ("from datetime import datetime\n", "datetime in the core"),
    ("def f():\n    import msgspec\n", "deferred import"),
    ("from math import sqrt\n", "math.sqrt"),
    ("half = 0.5\n", "float"),
    ("def f(x: float) -> None: ...\n", "float"),
    ("x = a / b\n", "division"),
    ("x /= 2\n", "division"),
    ("x = hash(y)\n", "hash()"),
    ("print(1)\n", "print()"),
    ("try:\n    f()\nexcept Exception:\n    pass\n", "broad except"),
    ("try:\n    f()\nexcept (ValueError, BaseException):\n    pass\n", "broad except"),
    ("def f():\n    global x\n", "global"),
    ("async def f(): ...\n", "async"),
    ("for x in {1, 2}:\n    f(x)\n", "order of a set"),
    ("def f(votes: set[int]) -> None:\n    for v in votes:\n        g(v)\n", "order of a set"),
    ("def f(votes: frozenset[int] | None) -> list[int]:\n    return [v for v in votes]\n", "order of a set"),
    ("def f(a):\n    s = set(a)\n    t = s | g(a)\n    return tuple(t)\n", "order of a set"),
    ("def f(a):\n    s = set(a)\n    return s.pop()\n", "order of a set"),
    ("def f(a: set[int]):\n    return sorted(a, key=g)\n", "order of a set"),
    ("class A:\n    s: set[int]\n    def f(self):\n        return [*self.s]\n", "order of a set"),
    ("def s() -> set[int]: ...\nfor x in s():\n    pass\n", "order of a set"),
]


@pytest.mark.parametrize(("source", "wanted"), BAD_CORE)
def test_bad_core_is_caught(source: str, wanted: str) -> None:
    found = [text for _, text in tidy.check_core(source, tidy.declared_sets([source]))]
    assert any(wanted in text for text in found), found


GOOD_CORE = [
    "x = a // b\n",
    "from math import isqrt\n",
    "def f(votes: set[int]) -> list[int]:\n    return sorted(v + 1 for v in votes)\n",
    "def f(votes: set[int]) -> int:\n    return sum(votes) + len(votes) + max(votes)\n",
    "def f(votes: dict[int, int]) -> list[int]:\n    return [v for v in votes]\n",
    "def f(a: set[int], b: set[int]) -> set[int]:\n    return {x for x in a if x in b}\n",
    "def f(s: set[int]): ...\ndef g(s: list[int]):\n    return list(s)\n",
]


@pytest.mark.parametrize("source", GOOD_CORE)
def test_good_core_passes(source: str) -> None:
    assert not list(tidy.check_core(source, tidy.declared_sets([source])))


BAD_TEXT = [
    ("# TODO: later", "marker word"),
    (f"see /{'work'}/main/x", "path of one machine"),
    (f"cd /{'root'}/x", "path of one machine"),
    (f"pip install --{'index'}-url https://x", "registry"),
    ("an AI wrote this", "how it was written"),
]


@pytest.mark.parametrize(("text", "wanted"), BAD_TEXT)
def test_bad_text_is_caught(text: str, wanted: str) -> None:
    assert [finding for _, finding in tidy.check_text(text) if wanted in finding]


def test_bad_shape_is_caught() -> None:
    long_function = '"""Doc."""\ndef f():\n' + "    x = 1\n" * tidy.FUNCTION_LINES_MAX
    assert [text for _, text in tidy.check_shape(long_function) if "f has" in text]
    assert [
        text for _, text in tidy.check_shape('"""Doc."""\n' * (tidy.FILE_LINES_MAX + 1)) if "file" in text
    ]


def test_codes_are_seen_where_errors_are_made() -> None:
    source = (
        'raise Invalid("a")\nraise errors.Refused("b" if x else "c", 1)\nif error.code == "d":\n    pass\n'
    )
    assert [code for _, code in tidy.error_codes(source)] == ["a", "b", "c", "d"]
