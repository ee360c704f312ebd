from chaosnet.contracts import ops


def test_numbers_of_operations_never_change() -> None:
    numbers = {name: value for name, value in vars(ops).items() if name.isupper() and type(value) is int}
    assert {name: numbers[name] for name in sorted(numbers) if numbers[name] <= 200} == {
        "ALLOWANCE": 24,
        "APPROVE": 22,
        "BALANCE": 7,
        "BURN": 21,
        "CALL": 6,
        "CONVERT": 27,
        "CTX": 11,
        "DEPTH_MAX": 8,
        "EMIT": 4,
        "EVENTS_MAX": 64,
        "GAS_LEFT": 12,
        "GET": 1,
        "HASH": 8,
        "IMAGE_BYTE_FUEL": 4,
        "ISSUE": 20,
        "PRINT": 200,
        "RIGHTS": 26,
        "SCAN": 3,
        "SET": 2,
        "TOKEN": 25,
        "TRANSFER": 5,
        "TRANSFER_AND_CALL": 13,
        "TRANSFER_FROM": 23,
        "VERIFY": 9,
    }


def test_a_callee_gets_all_but_one_part_in_64_or_its_limit() -> None:
    assert ops.callee_fuel(6_400, None) == 6_300
    assert ops.callee_fuel(6_400, 100) == 100
    assert ops.callee_fuel(6_400, 10_000) == 6_300
    assert ops.callee_fuel(63, None) == 63


def test_a_frame_pays_a_part_of_what_loading_took() -> None:
    prices = ops.prices_of(1)
    assert ops.frame_fuel(prices, 0) == prices.frame
    assert ops.frame_fuel(prices, ops.LOAD_FUEL_MAX) == prices.frame + ops.LOAD_FUEL_MAX // 2
