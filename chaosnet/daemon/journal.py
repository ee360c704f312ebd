"""Structured logs: one event name and fields a line, JSON for machines and colours for people."""

import logging
import sys

import structlog

from chaosnet.daemon.branch_views import REORG_WARN_DEPTH
from chaosnet.daemon.config import LogSection
from chaosnet.kernel import events as ev

log = structlog.get_logger("node")


def set_up_logging(config: LogSection) -> None:
    """Write to standard error in the form the operator chose."""
    is_console = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if is_console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, config.level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def log_fact(fact: ev.ReportFact, *, reorg_warn_depth: int = REORG_WARN_DEPTH) -> None:
    """Write a fact that the kernel reported; a reorganisation of that many blocks is a warning."""
    match fact:
        case ev.HeadMoved():
            log.info(
                "block",
                height=fact.height,
                id=fact.block_id.hex()[:16],
                txs=fact.header.tx_count,
                gas=fact.header.gas_used,
                bytes=fact.size_bytes,
                round=fact.sealed_round,
                ours=fact.ours,
            )
        case ev.Reorganised():
            depth = fact.old_height - fact.common_height
            is_deep = depth >= reorg_warn_depth
            write = log.warning if is_deep else log.info
            write(
                "reorganised",
                **({"code": "deep_reorganisation"} if is_deep else {}),
                depth=depth,
                height=fact.new_height,
                id=fact.new_id.hex()[:16],
                old_height=fact.old_height,
                old_id=fact.old_id.hex()[:16],
                dropped=len(fact.dropped),
            )
        case ev.Finalised(height=height, block_id=block_id):
            log.debug("final", height=height, id=block_id.hex()[:16])
        case ev.RoundMoved(height=height, round=round_, step=step):
            if round_:
                log.info("round", height=height, round=round_, step=step)
            else:
                log.debug("round", height=height, round=round_, step=step)
        case ev.PeerNote(peer=peer, what=what, code=code):
            log.info("peer", peer=peer.hex()[:16], what=what, code=code)
        case ev.BlockRefused():
            log.warning(
                "block_refused",
                height=fact.height,
                id=fact.block_id.hex()[:16],
                code=fact.code,
                detail=fact.detail,
            )
        case ev.TrustJudged(is_trusted=True):
            log.info("trusted")
        case ev.TrustJudged(detail=detail):
            log.warning("untrusted", detail=detail)
        case ev.DoubleSign(signer=signer, height=height):
            log.error("double_sign", signer=signer.hex(), height=height)
        case ev.Halted(code=code, detail=detail):
            log.critical("halted", code=code, detail=detail)
        case ev.TransactionsPending(tx_ids=tx_ids):
            log.debug("pending", txs=len(tx_ids))
