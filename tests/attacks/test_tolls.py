"""What takes the processor far longer than its operators is paid for in fuel (engines/src/toll.h)."""

import pytest

from tests.attacks.running import run

FUEL = 200_000_000
TINY, POWER, FUNCTION, LIMB = 440, 740, 120, 32
COUNT = 1_000


def used(language: str, a: str, work: str) -> int:
    """Return the fuel of doing something COUNT times with a number `a`."""
    if language == "lua":
        body = f"local a, b, x = {a}, 1.5 for i = 1, {COUNT} do x = {work} end"
    else:
        body = f"const a = {a}, b = 1.5; let x; for (let i = 0; i < {COUNT}; i++) x = {work};"
    found = run(f"{language}/1", body, FUEL)
    assert found["code"] == "ok"
    return int(found["fuel"])


@pytest.mark.parametrize("tiny", ["5e-324", "-1e-310"])
@pytest.mark.parametrize(
    ("language", "work"),
    [
        *(
            ("lua", work)
            for work in ("a * b", "a / b", "b / a", "math.sqrt(a)", "math.sin(a)", "math.rad(a)")
        ),
        *(("js", work) for work in ("a * b", "a / b", "b / a", "Math.sqrt(a)", "Math.sin(a)", "a * 3")),
    ],
)
def test_subnormal_numbers(language: str, work: str, tiny: str) -> None:
    assert used(language, tiny, work) - used(language, "1.25", work) > (TINY - 150) * COUNT


@pytest.mark.parametrize("language", ["lua", "js"])
def test_results_that_become_subnormal(language: str) -> None:
    assert used(language, "1e-300", "a * 1e-10") - used(language, "1e-300", "a * 1e10") > (TINY - 50) * COUNT


@pytest.mark.parametrize(
    ("language", "work"), [("lua", "a ^ 2.5"), ("js", "a ** 2.5"), ("js", "Math.pow(a, 2.5)")]
)
def test_powers(language: str, work: str) -> None:
    assert used(language, "1.25", work) - used(language, "1.25", "a + b") > POWER * COUNT


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "exp", "asin", "acos", "atan"])
def test_functions(name: str) -> None:
    """A root is one operator and pays nothing; the call of it costs the same."""
    assert used("lua", "0.25", f"math.{name}(a)") - used("lua", "0.25", "math.sqrt(a)") > FUNCTION * COUNT


def test_digits_of_big_integers() -> None:
    """Nine come out of each walk through the limbs, which grow fewer."""
    limbs, digits = 2_000 // 32, 602
    fuel = used("js", "(1n << 2000n) - 1n", "String(a)") - used("js", "(1n << 2000n) - 1n", "a")
    assert fuel > COUNT * (limbs * digits // 9 // 2) * LIMB
