"""`chaosnet tree`: the blocks that may still be undone, drawn with their branches, and what was undone."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from chaosnet.cli.asking import DEFAULT_NODE, Node, asking
from chaosnet.cli.output import Json, note, print_fields, print_json, print_table, print_text, when
from chaosnet.rpc import schema

app = typer.Typer()

CANONICAL: Final = "*"
OTHER: Final = "o"
TAIL: Final = "~"
DROPPED_SHOWN: Final = 20
REORGANISATIONS_SHOWN: Final = 5
FINALITY: Final = {
    "immediate": "each block at once",
    "gadget": "by the votes that headers imply",
    "depth": "by the blocks above",
}


@app.command()
def tree(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many blocks at most.")] = 64,
    node: Node = DEFAULT_NODE,
    *,
    as_json: Json = False,
) -> None:
    """Draw the blocks from the final one up to all tips, and tell the last reorganisations.

    * is a block of the chain, o one of another branch, ~ one that only makes the last block of an era final.
    """
    with asking(node) as client:
        found = client.tree()
    if as_json:
        print_json(found)
        return
    print_fields(
        [
            ("head", f"{found.head_height} {found.head_id}"),
            ("final", f"{found.final_height} {found.final_id}"),
            ("finality", FINALITY.get(found.finality, found.finality)),
        ]
    )
    print_text("")
    blocks, left_out = found.blocks, found.left_out
    if len(blocks) > count:
        left_out += len(blocks) - count
        blocks = [*blocks[: count - 1], blocks[-1]]
    columns = ("", "height#", "id", "slot#", "made by", "txs#", "time", "")
    print_table(columns, list(_lines(blocks, found, left_out)))
    _tell_reorganisations(found.reorganisations)


def graph(blocks: list[schema.TreeBlock], head_id: str) -> Iterator[tuple[str, schema.TreeBlock | None]]:
    """Yield the drawing of each block, and lines without one where branches part.

    Blocks come by descending height. A lane waits for the parent of the block drawn in it last; the first one
    is the chain's.
    """
    lanes = [head_id]
    is_begun = False
    for block in blocks:
        waiting = [i for i, name in enumerate(lanes) if name == block.id]
        if not waiting:
            lanes.append(block.id)
            waiting = [len(lanes) - 1]
        here, *merged = waiting
        is_begun = is_begun or here == 0
        first = "|" if is_begun else " "
        if merged:
            yield first + "".join("/ " if i in merged else " |" for i in range(1, len(lanes))), None
            lanes = [name for i, name in enumerate(lanes) if i not in merged]
        marks = ["|"] * len(lanes)
        marks[0] = first
        marks[here] = TAIL if block.is_tail else CANONICAL if block.is_canonical else OTHER
        yield " ".join(marks), block
        lanes[here] = block.parent


def _lines(blocks: list[schema.TreeBlock], found: schema.Tree, left_out: int) -> Iterator[tuple[object, ...]]:
    drawn = list(graph(blocks, found.head_id))
    for place, (marks, block) in enumerate(drawn):
        if left_out and place == len(drawn) - 1:
            yield ":", "", f"{left_out} more", "", "", "", "", ""
        if block is None:
            yield marks, "", "", "", "", "", "", ""
            continue
        yield (
            marks,
            block.height,
            block.id[:16],
            "" if block.slot is None else block.slot,
            _maker(block),
            block.tx_count,
            when(block.time_ms),
            _label(block, found),
        )


def _maker(block: schema.TreeBlock) -> str:
    if not block.height:
        return "genesis"
    return block.proposer_name or f"{block.proposer[:16]}…"


def _label(block: schema.TreeBlock, found: schema.Tree) -> str:
    labels = []
    if block.id == found.head_id:
        labels.append("head")
    if block.is_final:
        labels.append("final")
    if block.is_tail:
        labels.append("tail of the era")
    return ", ".join(labels)


def _tell_reorganisations(done: list[schema.Reorganisation]) -> None:
    if not done:
        return
    print_text("")
    print_text("Reorganisations, newest first:")
    for one in done[:REORGANISATIONS_SHOWN]:
        deep = ", DEEP" if one.is_deep else ""
        print_text(
            f"{when(one.at_ms)}  {one.depth} undone{deep}: block {one.old_height} {one.old_id[:16]} gave way"
            f" to {one.new_height} {one.new_id[:16]}, both on {one.common_height}"
        )
        for tx_id in one.dropped[:DROPPED_SHOWN]:
            print_text(f"  dropped, waits again: {tx_id}")
        rest = one.dropped_total - min(len(one.dropped), DROPPED_SHOWN)
        if rest > 0:
            print_text(f"  and {rest} more transactions")
    if len(done) > REORGANISATIONS_SHOWN:
        note(f"{len(done) - REORGANISATIONS_SHOWN} earlier ones: --json")
