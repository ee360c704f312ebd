"""Which language a visitor reads, and that both say everything."""

import re
from pathlib import Path

import pytest
from starlette.requests import Request

import explorer
from explorer.language import accepted, language_of, load_words

FOLDER = Path(explorer.__file__).parent
WORDS = load_words()


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("de, zh;q=0.5, en;q=0.2", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("fr", "en"),
        ("zh;q=x", "en"),
        ("ZH-Hans", "zh"),
        ("," * 10_000 + "zh", "en"),
    ],
)
def test_accept_language(header: str, lang: str) -> None:
    assert accepted(header) == lang


@pytest.mark.parametrize(
    ("query", "cookie", "lang"),
    [
        (b"lang=zh", "lang=en", "zh"),
        (b"", "lang=zh", "zh"),
        (b"lang=xx", "lang=zh", "zh"),
        (b"lang=xx", "lang=yy", "en"),
    ],
)
def test_address_wins_over_cookie_over_browser(query: bytes, cookie: str, lang: str) -> None:
    headers = [(b"cookie", cookie.encode()), (b"accept-language", b"en")]
    request = Request({"type": "http", "query_string": query, "headers": headers})
    assert language_of(request) == lang


def test_languages_have_the_same_messages_with_the_same_values() -> None:
    english, chinese = WORDS["en"].table, WORDS["zh"].table
    assert set(english) == set(chinese)
    for key, text in english.items():
        for form in text.split("|"):
            assert set(re.findall(r"{(\w+)}", form)) == set(re.findall(r"{(\w+)}", chinese[key])), key


# Beginnings of keys that pages put together: t("title_" ~ code).
MADE = (
    *("age_", "finality_", "title_", "health_", "role_", "action_", "status_", "code_", "error_", "agrees_"),
    *("engine_", "evidence_", "permission_", "kind_", "right_", "help_right_"),
)


def test_pages_use_only_messages_that_exist_and_all_of_them() -> None:
    used = {"slow_more", "busy_more"}
    for path in [*FOLDER.rglob("*.html"), *FOLDER.glob("*.py")]:
        source = path.read_text(encoding="utf-8")
        used |= set(re.findall(r"""\b(?:t|words)\(\s*["'](\w+)["'](?! ~)""", source))
        used |= set(re.findall(r"""\bt\(["']\w+["'] if .+? else ["'](\w+)["']""", source))
        used |= set(re.findall(r"\bt\.table\.(?!get)(\w+)", source))
    labels = re.findall(r'ProofField\("(\w+)"', (FOLDER / "proofs.py").read_text(encoding="utf-8"))
    used |= {*labels, *(f"help_{label}" for label in labels)}
    known = set(WORDS["en"].table)
    assert not used - known, used - known
    unused = {key for key in known - used if not key.startswith(MADE)}
    assert not unused, unused


def test_counts_choose_the_form_and_are_grouped() -> None:
    words = WORDS["en"]
    assert words("n_transactions", n=1) == "1 transaction"
    assert words("n_transactions", n=12_345) == "12,345 transactions"
    assert WORDS["zh"]("n_transactions", n=1) == "1 笔交易"


def test_values_are_not_taken_for_templates() -> None:
    assert WORDS["en"]("operator_of", name="{n}") == "Operator of {n}"
