"""Values of contracts in JSON, without loss in either direction.

nil, bool, text and list are what JSON calls so. An integer is a number up to 2^53 - 1, else
`{"$int": "..."}` in decimal digits: both forms are taken. Bytes are `{"$bytes": "..."}` in lower-case hex. A
map is an object; one that could be taken for another form, because a key begins with `$`, is
`{"$map": [[key, value], ...]}`.
"""

from typing import Final

from chaosnet.base.errors import Invalid

EXACT_MAX: Final = 2**53 - 1
"""Greatest integer that every JSON reader holds exactly."""
DIGITS_MAX: Final = 20
DEPTH_MAX: Final = 32
_PLAIN: Final = frozenset((str, bool, type(None)))


def to_json(value: object) -> object:
    """Return what stands for a value in JSON; raise TypeError for what is no value."""
    kind = type(value)  # values can have thousands of items: each is looked at as shortly as can be
    if kind in _PLAIN:
        return value
    if isinstance(value, int):
        return value if -EXACT_MAX <= value <= EXACT_MAX else {"$int": str(value)}
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else to_json(item) for item in value]
    if isinstance(value, dict):
        if not value:
            return value
        if any(key.startswith("$") for key in value):
            return {"$map": [[key, to_json(item)] for key, item in value.items()]}
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    raise TypeError(kind.__name__)


def from_json(found: object, depth: int = 0) -> object:
    """Return the value that JSON stands for; raise Invalid(`bad_argument`) for anything else.

    Sizes and ranges are judged where the value is encoded.
    """
    if depth > DEPTH_MAX:
        raise Invalid("bad_argument", f"lists and objects nest over {DEPTH_MAX} deep")
    match found:
        case None | bool() | str() | int():
            return found
        case list():
            return [from_json(item, depth + 1) for item in found]
        case dict() if any(str(key).startswith("$") for key in found):
            return _tagged(found, depth)
        case dict():
            return {str(key): from_json(item, depth + 1) for key, item in found.items()}
        case _:
            raise Invalid("bad_argument", f"{type(found).__name__} is no value of a contract: no fractions")


def _tagged(found: dict[str, object], depth: int) -> object:
    if len(found) == 1:
        ((tag, inner),) = found.items()
        if tag == "$int" and isinstance(inner, str) and _is_number(inner):
            return int(inner)
        if tag == "$bytes" and isinstance(inner, str):
            try:
                return bytes.fromhex(inner)
            except ValueError:
                pass
        if tag == "$map" and isinstance(inner, list):
            return _map(inner, depth)
    detail = "a key that begins with $ stands for $int, $bytes or $map, alone in its object"
    raise Invalid("bad_argument", detail)


def _map(pairs: list[object], depth: int) -> dict[str, object]:
    made: dict[str, object] = {}
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise Invalid("bad_argument", "$map holds pairs of a text and a value")
        if pair[0] in made:
            raise Invalid("bad_argument", "$map has a key twice")
        made[pair[0]] = from_json(pair[1], depth + 1)
    return made


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return len(digits) <= DIGITS_MAX and digits.isascii() and digits.isdigit()
