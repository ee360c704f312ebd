"""House rules that ruff, mypy and import-linter cannot see, as functions over source text.

A finding is (line, text). The core's rules guard determinism: the same blocks must give the same bytes on
every machine, so nothing there may depend on floats, on the order of a set or on the process.
"""

import ast
import configparser
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PACKAGES = ("chaosnet", "explorer", "tui")
CORE = ("base", "crypto", "model", "rules", "contracts", "ledger", "consensus", "protocol", "kernel")
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
ERRORS = (
    "ChaosError",
    "Invalid",
    "InvalidTransaction",
    "InvalidBlock",
    "InvalidMessage",
    "Refused",
    "Unavailable",
    "Broken",
)
EMPTY_NAMES = ("utils", "util", "common", "helpers", "helper", "misc", "manager")

PROCESS_CALLS = ("hash", "id", "open", "print", "input", "eval", "exec", "vars", "globals", "__import__")
INTEGER_MATHS = ("isqrt", "gcd", "lcm", "comb")
SET_TYPES = ("set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet")
SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")
ORDER_FREE = ("sorted", "set", "frozenset", "len", "sum", "min", "max", "any", "all")
ORDER_BOUND = ("list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "dict", "bytes")

Finding = tuple[int, str]


def forbidden_modules() -> frozenset[str]:
    """Return the modules that the import contract forbids the core."""
    contracts = configparser.ConfigParser()
    contracts.read(REPOSITORY / ".importlinter")
    return frozenset(contracts["importlinter:contract:pure"]["forbidden_modules"].split())


def source_files(*roots: str) -> list[Path]:
    """Return the Python files below these folders of the repository, in order."""
    return sorted(
        path
        for root in roots
        for path in (REPOSITORY / root).rglob("*.py")
        if "node_modules" not in path.parts
    )


def core_files() -> list[Path]:
    """Return the Python files of the deterministic core."""
    return source_files(*(f"chaosnet/{room}" for room in CORE))


def text_files() -> Iterator[tuple[Path, str]]:
    """Yield every text file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.splitlines():
        path = REPOSITORY / name
        try:
            yield path, path.read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue


# ── every file ───────────────────────────────────────────────────────────────────────────────────────────


def check_shape(source: str) -> Iterator[Finding]:
    """Yield a file and its functions that are too long."""
    tree = ast.parse(source)
    lines = source.count("\n")
    if lines > FILE_LINES_MAX:
        yield 1, f"file has {lines} lines, at most {FILE_LINES_MAX}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"


def error_codes(source: str) -> Iterator[tuple[int, str]]:
    """Yield the codes that raised errors and compared `.code`s name literally."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in ERRORS:
            yield from _literals(node.args[0])
        elif (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Attribute)
            and node.left.attr == "code"
        ):
            for right in node.comparators:
                yield from _literals(right)


def string_literals(source: str) -> frozenset[str]:
    """Return every string constant of a source text."""
    return frozenset(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _literals(node: ast.expr) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Constant(value=str(code)):
            yield node.lineno, code
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)
        case ast.Tuple(elts=items) | ast.Set(elts=items) | ast.List(elts=items):
            for item in items:
                yield from _literals(item)


def _name(node: ast.expr) -> str:
    """Return the last word of `name` or `module.name`, else nothing."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


# ── the core ─────────────────────────────────────────────────────────────────────────────────────────────


def check_core(source: str, shared_sets: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield what would make the core impure or differ between machines.

    `shared_sets` are attributes and functions that hold or return a set wherever the core declares them.
    """
    tree = ast.parse(source)
    yield from _imports(tree)
    for node in ast.walk(tree):
        yield from _floats(node)
        yield from _process(node)
    yield from SetUse(tree, shared_sets).findings()


def _imports(tree: ast.Module) -> Iterator[Finding]:
    forbidden = forbidden_modules()
    top = {node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    for block in tree.body:
        if isinstance(block, ast.If) and _name(block.test) == "TYPE_CHECKING":
            top.update(node for node in block.body if isinstance(node, ast.Import | ast.ImportFrom))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if node not in top:
            yield node.lineno, "deferred import in the core"
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        for module in modules:
            if module.split(".")[0] in forbidden:
                yield node.lineno, f"{module} in the core"
        if modules == ["math"] and isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name not in INTEGER_MATHS:
                    yield node.lineno, f"math.{alias.name} in the core works on floats"


def _floats(node: ast.AST) -> Iterator[Finding]:
    match node:
        case ast.Constant(value=float() | complex(), lineno=line):
            yield line, "float in the core"
        case ast.Name(id="float" | "complex", lineno=line):
            yield line, "float in the core"
        case ast.BinOp(op=ast.Div(), lineno=line) | ast.AugAssign(op=ast.Div(), lineno=line):
            yield line, "true division in the core; use // and say which way it rounds"
        case ast.Attribute(value=ast.Name(id="math"), attr=name, lineno=line) if name not in INTEGER_MATHS:
            yield line, f"math.{name} in the core works on floats"


def _process(node: ast.AST) -> Iterator[Finding]:
    match node:
        case ast.Call(func=ast.Name(id=name), lineno=line) if name in PROCESS_CALLS:
            yield line, f"{name}() in the core"
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="time" | "datetime" | "os" | "random")), lineno=line
        ):
            yield line, "clock, system or randomness in the core"
        case ast.ExceptHandler(type=None, lineno=line):
            yield line, "broad except in the core"
        case ast.ExceptHandler(type=ast.expr() as kind, lineno=line):
            kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
            if any(_name(k) in ("Exception", "BaseException") for k in kinds):
                yield line, "broad except in the core"
        case ast.Global(lineno=line):
            yield line, "global state in the core"
        case (
            ast.AsyncFunctionDef(lineno=line)
            | ast.Await(lineno=line)
            | ast.AsyncFor(lineno=line)
            | ast.AsyncWith(lineno=line)
        ):
            yield line, "async in the core"


# ── sets: their order differs between processes ──────────────────────────────────────────────────────────


def declared_sets(sources: list[str]) -> frozenset[str]:
    """Return the fields, attributes and functions that are sets in every place that declares them."""
    found: dict[str, bool] = {}

    def declare(name: str, *, is_set: bool) -> None:
        found[name] = found.get(name, True) and is_set

    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.AnnAssign):
                        declare(_name(line.target), is_set=_is_set_type(line.annotation))
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
                declare(node.target.attr, is_set=_is_set_type(node.annotation))
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute):
                        declare(target.attr, is_set=_is_set_literal(node.value))
            elif isinstance(node, ast.FunctionDef) and node.returns is not None:
                declare(node.name, is_set=_is_set_type(node.returns))
    return frozenset(name for name, is_set in found.items() if is_set)


def _is_set_type(annotation: ast.expr) -> bool:
    match annotation:
        case ast.Subscript(value=value):
            return _name(value) in SET_TYPES
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _is_set_type(left) or _is_set_type(right)
    return _name(annotation) in SET_TYPES


def _is_set_literal(node: ast.expr) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
    return False


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function with all inside it, or of a module or class without its functions."""
    if not isinstance(scope, ast.Module):
        yield from ast.walk(scope)
        return
    for statement in scope.body:
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from ast.walk(statement)


class SetUse:
    """Finds the places of one module where the order of a set would show."""

    def __init__(self, tree: ast.Module, shared_sets: frozenset[str]) -> None:
        self._tree = tree
        self._shared = shared_sets
        self._names: frozenset[str] = frozenset()
        self._free: set[ast.AST] = set()

    def findings(self) -> Iterator[Finding]:
        """Yield each iteration over a set, once."""
        seen = set()
        for scope in (
            n for n in ast.walk(self._tree) if isinstance(n, ast.Module | ast.FunctionDef | ast.Lambda)
        ):
            names = self._sets_of(scope)
            if isinstance(scope, ast.Module):
                self._names = names
            for line in self._exposed(scope, names | self._names):
                seen.add(line)
        for line in sorted(seen):
            yield line, "order of a set shows in the core; sort it"

    def _sets_of(self, scope: ast.AST) -> frozenset[str]:
        """Return the local names that are sets: annotated so, or only ever given set values."""
        given: dict[str, bool] = {}
        for node in _own_nodes(scope):
            match node:
                case ast.arg(arg=name, annotation=ast.expr() as kind):
                    given[name] = given.get(name, True) and _is_set_type(kind)
                case ast.AnnAssign(target=ast.Name(id=name), annotation=kind):
                    given[name] = given.get(name, True) and _is_set_type(kind)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    known = frozenset(n for n, is_set in given.items() if is_set)
                    given[name] = given.get(name, True) and self._is_set(value, known)
        return frozenset(name for name, is_set in given.items() if is_set)

    def _is_set(self, node: ast.expr, names: frozenset[str]) -> bool:
        match node:
            case ast.Name(id=name):
                return name in names
            case ast.Attribute(attr=name):
                return name in self._shared
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), left=left, right=right):
                return self._is_set(left, names) or self._is_set(right, names)
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in (*SET_METHODS, "copy"):
                return self._is_set(value, names)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in self._shared:
                return True
        return _is_set_literal(node)

    def _exposed(self, scope: ast.AST, names: frozenset[str]) -> Iterator[int]:
        """Yield the lines where an item's place in a set decides something."""
        for node in _own_nodes(scope):
            match node:
                case ast.Call(
                    func=ast.Name(id="sorted" | "min" | "max"), args=[items], keywords=[_, *_], lineno=line
                ):
                    if self._is_set(items, names):  # ties under a key keep the order they came in
                        yield line
                case ast.Call(func=ast.Name(id=name), args=args) if name in ORDER_FREE:
                    self._free.update(arg for arg in args if isinstance(arg, ast.GeneratorExp | ast.ListComp))
                case ast.For(iter=items, lineno=line) if self._is_set(items, names):
                    yield line
                case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                    if node not in self._free and any(self._is_set(g.iter, names) for g in node.generators):
                        yield node.lineno
                case ast.Call(func=ast.Name(id=name), args=args, lineno=line) if name in ORDER_BOUND:
                    if any(self._is_set(arg, names) for arg in args):
                        yield line
                case ast.Call(
                    func=ast.Attribute(attr="join" | "fromkeys" | "extend"), args=[items], lineno=line
                ):
                    if self._is_set(items, names):
                        yield line
                case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[], lineno=line):
                    if self._is_set(value, names):
                        yield line
                case ast.Starred(value=value, lineno=line) | ast.YieldFrom(value=value, lineno=line):
                    if self._is_set(value, names):
                        yield line


# ── the whole repository ─────────────────────────────────────────────────────────────────────────────────

MARKERS = re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.}])/(?:work|root|farm)/")
REGISTRIES = re.compile(
    r"(?:py[p]i|pythonhoste[d])\.org|npm[j]s\.(?:org|com)/|index[-]url|\"resolved\":\s*\"http"
)
AUTHORSHIP = re.compile(r"\bA\.?I\.?\b|\b(?:assistant|language model|L{2}M)s?\b", re.IGNORECASE)
"""The repository says what the software does, never by whom or with what it was written."""


def check_text(text: str) -> Iterator[Finding]:
    """Yield marks of unfinished work, of the machine it was written on, and of how it was written."""
    for number, line in enumerate(text.splitlines(), start=1):
        if MARKERS.search(line):
            yield number, "marker word; record an issue instead"
        if MACHINE_PATHS.search(line):
            yield number, "path of one machine"
        if REGISTRIES.search(line):
            yield number, "package registry's address"
        if AUTHORSHIP.search(line):
            yield number, "says how it was written"
