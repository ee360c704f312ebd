"""Time as the kernel gets it: never back, never still."""

import pytest

from chaosnet.daemon import clock
from chaosnet.daemon.clock import Clock


class Times:
    """The system's clocks, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = 1_000_000
        self.ticks = 5
        monkeypatch.setattr(clock, "now_ms", lambda: self.wall)
        monkeypatch.setattr(clock, "ticks_ms", lambda: self.ticks)

    def later(self, ms: int) -> None:
        self.wall += ms
        self.ticks += ms


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


def test_it_follows_the_system_clock(times: Times) -> None:
    read = Clock().read_ms
    assert read() == 1_000_000
    times.later(250)
    assert read() == 1_000_250
    times.wall += 3_600_000
    assert read() == 4_600_250


def test_set_back_it_goes_on_at_half_speed_until_it_is_caught_up_with(times: Times) -> None:
    read = Clock().read_ms
    read()
    times.wall -= 1_000
    readings = []
    for _ in range(30):
        times.later(100)
        readings.append(read())
    assert readings[:3] == [1_000_050, 1_000_100, 1_000_150]
    assert readings == sorted(readings)
    assert readings[-1] == times.wall == 1_002_000
    assert readings[16] == 1_000_850, "still behind: the system says 1_000_700"


def test_many_readings_in_one_millisecond_do_not_hold_it(times: Times) -> None:
    read = Clock().read_ms
    read()
    times.wall -= 10_000
    for _ in range(1_000):
        times.later(1)
        read()
    assert read() == 1_000_500


def test_set_back_twice(times: Times) -> None:
    read = Clock().read_ms
    read()
    times.wall -= 1_000
    times.later(100)
    assert read() == 1_000_050
    times.wall -= 1_000
    times.later(100)
    assert read() == 1_000_100
