"""What a contract declares, for people to read: signatures, permissions, sizes."""

from collections.abc import Mapping

from chaosnet.contracts.interface import Interface, Kind, Method
from chaosnet.contracts.values import Value

Fields = list[tuple[str, object]]


def signature(method: Method) -> str:
    """Return a method in one line: `add(amount int) -> int`."""
    args = ", ".join(f"{name} {word(kind)}" for name, kind in method.args)
    returns = "" if method.returns is None else f" -> {word(method.returns)}"
    return f"{method.name}({args}){returns}"


def word(kind: Kind) -> str:
    """Return a type as the source writes it."""
    return kind.word + ("?" if kind.is_optional else "")


def permission_lines(interface: Interface) -> Fields:
    """Return what the contract may do to others, one line a kind."""
    permissions = interface.permissions
    lines: Fields = []
    if permissions.transfer:
        lines.append(("may transfer", one_line(", ".join(permissions.transfer))))
    if permissions.call:
        lines.append(("may call", one_line(", ".join(permissions.call))))
    if permissions.issue:
        lines.append(("may issue", "tokens, and use rights over them"))
    return lines or [("permissions", "none")]


def interface_lines(interface: Interface, declared: Mapping[str, Value]) -> Fields:
    """Return name, methods, events and storage, one line each."""
    lines: Fields = [("name", one_line(interface.name)), ("version", one_line(interface.version))]
    lines += [("licence", one_line(interface.licence)), ("about", one_line(declared.get("doc")))]
    lines += permission_lines(interface)
    if interface.init is not None:
        lines.append(("init", f"{signature(interface.init)} {interface.init.kind}"))
    for name, method in sorted(interface.methods.items()):
        more = " reentrant" if method.is_reentrant else ""
        doc = _field(declared, "methods", name, "doc")
        lines.append((method.kind + more, f"{signature(method)}{'  ' + doc if doc else ''}"))
    for name, fields in sorted(interface.events.items()):
        args = ", ".join(f"{field} {word(kind)}" for field, kind in fields)
        lines.append(("event", f"{name}({args})"))
    storage = declared.get("storage")
    for name, kind in sorted(storage.items()) if isinstance(storage, dict) else []:
        lines.append(("storage", f"{name} {one_line(kind)}"))
    return lines


def _field(value: Value | Mapping[str, Value], *path: str) -> str:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return one_line(value)


def one_line(value: object) -> str:
    """Return a text as one line: what a contract says of itself cannot look like another line."""
    return " ".join(value.split()) if isinstance(value, str) else ""
