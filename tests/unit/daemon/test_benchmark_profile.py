"""What takes the time, by function."""

from chaosnet.contracts.values import encode
from chaosnet.daemon.benchmark_profile import ROWS, profiled


def test_functions_by_their_own_time() -> None:
    rows = profiled(lambda: [encode([1, "two"]) for _ in range(50)], 10)
    names = [row.function for row in rows]
    assert "contracts/values.py:encode" in names
    assert rows[names.index("contracts/values.py:encode")].calls == 5
    assert all("/" not in name.partition(":")[0] or not name.startswith("/") for name in names)
    assert len(rows) <= ROWS
    shares = [row.share for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert 0.5 < sum(shares) <= 1.01
