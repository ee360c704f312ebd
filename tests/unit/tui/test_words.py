"""Both languages say the same things."""

import re
import string

import pytest

from tests.tidy import REPOSITORY
from tui.words import language_of, load_words

WORDS_OF_NODES = ("step_", "role_", "health_", "code_", "tx_", "error_", "event_chain_", "finality_")
"""Messages for words that nodes use in their answers."""
EN, ZH = load_words("en").table, load_words("zh").table


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_messages_with_the_same_values() -> None:
    assert list(EN) == list(ZH)
    assert {key for key in EN if fields(EN[key].rpartition("|")[2]) != fields(ZH[key])} == set()
    assert [key for key, text in EN.items() if not text.strip()] == []


def test_every_message_named_in_the_code_is_there_and_none_is_left_over() -> None:
    source = "\n".join(path.read_text() for path in sorted((REPOSITORY / "tui").rglob("*.py")))
    named = set(re.findall(r"words\(\s*\"(\w+)\"", source)) | set(re.findall(r"words\('(\w+)'", source))
    assert named - set(EN) == set()
    quoted = set(re.findall(r"[\"'](\w+)[\"']", source))
    built = set(re.findall(r"f[\"'](\w+_)\{", source))

    def is_used(key: str) -> bool:
        parts = [(prefix, key.removeprefix(prefix)) for prefix in built if key.startswith(prefix)]
        return key in quoted or key.startswith(WORDS_OF_NODES) or any(rest in quoted for _, rest in parts)

    assert [key for key in EN if not is_used(key)] == []


@pytest.mark.parametrize(
    "wish, environment, lang",
    [
        (None, {}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
        ("zh-CN", {"LANG": "en_US"}, "zh"),
        ("en", {"LANG": "zh_CN"}, "en"),
        ("de", {"LANG": "zh_CN"}, "zh"),
    ],
)
def test_language(wish: str | None, environment: dict[str, str], lang: str) -> None:
    assert language_of(wish, environment) == lang


def test_counts() -> None:
    words = load_words("en")
    assert words("depth_blocks", n=1) == "1 block"
    assert words("depth_blocks", n=1_200) == "1,200 blocks"
    assert words.known("step_of_a_newer_engine", "sealing") == "sealing"
