"""Reading what the guest sends. Permissions are tested where they matter: test_host_assets."""

import pytest

from chaosnet.contracts.faults import GuestFault
from chaosnet.ledger.contracts.desk import bytes_of, list_of, number_of, text_of


def fault(function: object, *args: object) -> str:
    assert callable(function)
    with pytest.raises(GuestFault) as caught:
        function(*args)
    return caught.value.code


def test_types() -> None:
    assert list_of([1, 2], 2) == [1, 2]
    assert list_of([]) == []
    assert text_of("t") == "t"
    assert bytes_of(b"b") == b"b" == bytes_of("b")
    assert number_of(0) == 0
    for function, args in (
        (list_of, ([1], 2)),
        (list_of, (None,)),
        (text_of, (b"",)),
        (bytes_of, (5,)),
        (number_of, (True,)),
        (number_of, (-1,)),
        (number_of, (2**63,)),
        (number_of, ("1",)),
    ):
        assert fault(function, *args) == "bad_args"
