"""A validator whose new consensus key has signed nothing yet."""

from tests.unit.kernel.ring import Ring


def test_it_accounts_for_the_blocks_that_its_operator_made_before() -> None:
    for engine in ("dpos", "pos"):
        ring = Ring(engine).start()
        ring.pass_ms(30_000)
        machine, other = ring.machines[:2]
        before = other.disk.blocks[-1].height
        machine.node.generated = (0, 0)
        ring.pass_ms(20_000)
        made = [b.height for b in other.disk.blocks if b.header.proposer == machine.config.miner]
        assert max(made) > before
        assert ring.agreed()
