"""The configuration file: everything is checked when it is read, and every complaint names its place."""

from pathlib import Path

import pytest

from chaosnet.base.errors import Invalid
from chaosnet.daemon.config import RANGES, Config, NodeSection, endpoint, load_config, parse_config

LEAST = '[node]\ngenesis = "genesis.json"\n'


def complaint(text: str) -> str:
    with pytest.raises(Invalid) as error:
        parse_config(text)
    assert error.value.code == "bad_config"
    return error.value.detail


def test_the_genesis_alone_is_enough() -> None:
    assert parse_config(LEAST) == Config(node=NodeSection(genesis="genesis.json"))


def test_all_is_typed() -> None:
    config = parse_config(
        LEAST
        + """
        name = "alpha"
        [network]
        listen = "[::]:26700"
        bootstrap = ["seed.example:26700", "ab@10.0.0.1:1"]
        allow = ["10.0.0.0/8", "fd00::/8"]
        [rpc]
        public = ""
        submit = "admin"
        """
    )
    assert config.node.name == "alpha"
    assert config.network.bootstrap == ("seed.example:26700", "ab@10.0.0.1:1")
    assert config.rpc.submit == "admin"
    assert config.rpc.operator == "127.0.0.1:26720"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "node"),
        ("[node]\n", "genesis"),
        ("[node", "Expected"),
        (LEAST + 'nmae = "x"\n', "nmae"),
        (LEAST + "name = 5\n", "$.node.name"),
        (LEAST + '[rpc]\nsubmit = "everybody"\n', "$.rpc.submit"),
        (LEAST + '[log]\nlevel = "loud"\n', "$.log.level"),
        (LEAST + "[nonsense]\n", "nonsense"),
        (LEAST + '[network]\nlisten = "26700"\n', "network.listen"),
        (LEAST + '[network]\nlisten = "host:99999"\n', "network.listen"),
        (LEAST + '[rpc]\npublic = ":80"\n', "rpc.public"),
        (LEAST + '[rpc]\noperator = "h:٨٠"\n', "rpc.operator"),
        (LEAST + '[network]\nbootstrap = ["host"]\n', "network.bootstrap"),
        (LEAST + '[network]\nallow = ["10.0.0.1/8"]\n', "network.allow"),
        (LEAST + '[network]\ndeny = ["everybody"]\n', "network.deny"),
        (LEAST + f'name = "{"n" * 65}"\n', "node.name"),
        (LEAST + 'name = "a\\u0007"\n', "node.name"),
        (LEAST + 'name = ""\n', "node.name"),
    ],
)
def test_a_mistake_is_named(text: str, place: str) -> None:
    assert place in complaint(text)


@pytest.mark.parametrize(("section", "name", "least", "most"), RANGES)
def test_numbers_have_bounds(section: str, name: str, least: int, most: int) -> None:
    def text(value: int) -> str:
        return (
            LEAST + f"{name} = {value}\n" if section == "node" else LEAST + f"[{section}]\n{name} = {value}\n"
        )

    for value in (least, most):
        assert getattr(getattr(parse_config(text(value)), section), name) == value
    for value in (least - 1, most + 1):
        assert f"{section}.{name}" in complaint(text(value))


def test_a_file_is_read_and_named_in_complaints(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text(LEAST)
    assert load_config(path).node.genesis == "genesis.json"
    path.write_text("[node]\n")
    for wrong in (path, tmp_path / "missing.toml"):
        with pytest.raises(Invalid) as error:
            load_config(wrong)
        assert str(wrong) in error.value.detail
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("h:1", ("h", 1)), ("[::1]:65535", ("::1", 65_535)), ("10.0.0.1:0", ("10.0.0.1", 0))],
)
def test_endpoints(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text) == expected


@pytest.mark.parametrize("text", ["", "h", "h:", ":1", "h:x", "h:-1", "h:65536", "h:1e3"])
def test_no_endpoints(text: str) -> None:
    with pytest.raises(Invalid):
        endpoint(text)
