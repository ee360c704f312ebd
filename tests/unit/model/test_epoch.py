"""An epoch reads back as it was written, whatever it holds."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chaosnet.base.codec import Decoder, encode
from chaosnet.model.epoch import Epoch

NUMBERS = st.integers(0, 2**63 - 1)


@given(st.builds(Epoch, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.binary(min_size=32, max_size=32)))
def test_reads_back(epoch: Epoch) -> None:
    decoder: Decoder[Epoch] = Decoder(Epoch, 4096)
    assert decoder.decode(encode(epoch)) == epoch


def test_any_difference_makes_other_bytes() -> None:
    epoch = Epoch(0, 0, 0, 0, 0, bytes(32))
    names = Epoch.__struct_fields__
    changed = {encode(structs.replace(epoch, **{n: b"\x01" * 32 if n == "seed" else 1})) for n in names}
    assert len(changed | {encode(epoch)}) == len(names) + 1
