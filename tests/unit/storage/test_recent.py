from chaosnet.storage.recent import Recent


def test_the_oldest_gives_way() -> None:
    recent: Recent[int, str] = Recent(2)
    for key in (1, 2, 1, 3):
        recent.put(key, f"at {key}", recent.generation)
    assert (recent.get(1), recent.get(2), recent.get(3)) == ("at 1", None, "at 3")


def test_what_was_read_before_a_change_is_not_kept() -> None:
    recent: Recent[int, str] = Recent(9)
    recent.put(1, "old", recent.generation)
    read_in = recent.generation
    recent.forget()
    recent.put(2, "read before", read_in)
    assert (recent.get(1), recent.get(2)) == (None, None)
    recent.put(2, "new", recent.generation)
    assert recent.get(2) == "new"
