from chaosnet.sim.schedule import Schedule, Trace


def test_actions_run_in_order_of_time_then_of_planning() -> None:
    schedule, seen = Schedule(), list[str]()
    schedule.at(20, seen.append, "late")
    schedule.at(10, seen.append, "first")
    schedule.at(10, seen.append, "second")
    while schedule.run_one(100):
        pass
    assert seen == ["first", "second", "late"]
    assert schedule.now_us == 20


def test_the_end_bounds_what_runs() -> None:
    schedule, seen = Schedule(), list[str]()
    schedule.at(10, seen.append, "in")
    schedule.at(11, seen.append, "out")
    assert schedule.run_one(10)
    assert not schedule.run_one(10)
    assert seen == ["in"]


def test_the_past_is_now() -> None:
    schedule, times = Schedule(), list[int]()
    schedule.at(10, lambda: schedule.at(3, lambda: times.append(schedule.now_us)))
    while schedule.run_one(100):
        pass
    assert times == [10]


def test_trace_depends_on_time_place_kind_and_bytes() -> None:
    hashes = set()
    for now_us, place, kind, data in (
        (0, 0, "Received", b"a"),
        (1, 0, "Received", b"a"),
        (0, 1, "Received", b"a"),
        (0, 0, "Verified", b"a"),
        (0, 0, "Received", b"b"),
    ):
        schedule = Schedule()
        schedule.now_us = now_us
        trace = Trace(schedule)
        trace.add(place, kind, data)
        hashes.add(trace.digest())
    assert len(hashes) == 5
