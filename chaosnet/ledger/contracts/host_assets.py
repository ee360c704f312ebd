"""Operations of contracts on assets: coins and native tokens. See host for how they are charged."""

from chaosnet.base.limits import AMOUNT_MAX
from chaosnet.contracts import values
from chaosnet.contracts.faults import GuestFault
from chaosnet.contracts.values import Unchecked
from chaosnet.ledger.contracts import rights as token_rights
from chaosnet.ledger.contracts import tokens
from chaosnet.ledger.contracts.desk import Desk, list_of, number_of, text_of
from chaosnet.ledger.contracts.names import COS_TEXT, asset_of_text, asset_text, said, token_of_text
from chaosnet.ledger.contracts.records import token_id
from chaosnet.model.contract_actions import COS, ChangeToken


def transfer(desk: Desk, asked: Unchecked) -> None:
    """Move an asset of the contract; the receiver's code does not run."""
    desk.check_not_static()
    to, asset, amount = list_of(asked, 3)
    assets = desk.sent_of({text_of(asset): amount})
    tokens.move(desk.books, assets[0][0], assets[0][1], source=desk.address, to=desk.address_of(to))


def balance(desk: Desk, asked: Unchecked) -> bytes:
    """Return how much of an asset an address has."""
    address, asset = list_of(asked, 2)
    return values.encode(_balance(desk, desk.address_of(address), asset_of_text(asset)))


def _balance(desk: Desk, address: bytes, asset: bytes) -> int:
    if asset == COS:
        return min(desk.books.cos_of(address), AMOUNT_MAX)
    return tokens.holding_of(desk.books, asset, address)


def issue(desk: Desk, asked: Unchecked) -> bytes:
    """Make more of a token, or a new one, and return its id."""
    desk.check_issue()
    asset, to, amount, options = list_of(asked, 4)
    if asset is None:
        if not isinstance(options, dict):
            raise GuestFault("bad_args", "a new token needs options")
        run = desk.run
        place = (run.nonce, run.action, run.issued)
        token = token_id(run.ctx.genesis_hash, run.origin, place)
        run.issued += 1
        token_rights.new_token(desk.books, token, desk.address, options)
    else:
        token = token_of_text(asset)
        token_rights.check_holder(desk.books, token, "issue", desk.address)
    if asset is not None or amount:
        tokens.issue(desk.books, token, desk.address_of(to), tokens.check_amount(amount))
    return values.encode(asset_text(token))


def burn(desk: Desk, asked: Unchecked) -> None:
    """Destroy tokens of the contract."""
    desk.check_not_static()
    asset, amount = list_of(asked, 2)
    token = desk.permitted_token(asset)
    tokens.burn(desk.books, token, desk.address, tokens.check_amount(amount))


def approve(desk: Desk, asked: Unchecked) -> None:
    """Let another take tokens of the contract."""
    desk.check_not_static()
    asset, spender, expected, amount, expiry = list_of(asked, 5)
    tokens.approve(
        desk.books,
        desk.permitted_token(asset),
        (desk.address, desk.address_of(spender)),
        expected=number_of(expected),
        amount=number_of(amount),
        expiry=number_of(expiry),
    )


def transfer_from(desk: Desk, asked: Unchecked) -> None:
    """Move tokens that their owner has allowed the contract to take."""
    desk.check_not_static()
    asset, owner, to, amount = list_of(asked, 4)
    token = desk.permitted_token(asset)
    way = (desk.address_of(owner), desk.address)
    tokens.move_allowed(desk.books, token, tokens.check_amount(amount), way=way, to=desk.address_of(to))


def allowance(desk: Desk, asked: Unchecked) -> bytes:
    """Return what a spender may take of an owner."""
    asset, owner, spender = list_of(asked, 3)
    token = token_of_text(asset)
    return values.encode(
        tokens.allowance_of(desk.books, token, desk.address_of(owner), desk.address_of(spender))
    )


def token(desk: Desk, asked: Unchecked) -> bytes | None:
    """Return what is known of a token."""
    record = tokens.find_token(desk.books, token_of_text(list_of(asked, 1)[0]))
    return None if record is None else values.encode(token_rights.token_map(desk.books, record))


def rights(desk: Desk, asked: Unchecked) -> None:
    """Use a right that the contract holds over a token, or move coins of a reserve.

    Changes and their details: hand_on {right, to}, renounce {right}, freeze and unfreeze {subject}, pause,
    unpause, clawback {subject, to, amount}, fund {amount}, withdraw {to, amount}.
    """
    desk.check_issue()
    asset, change, details = list_of(asked, 3)
    given = details if isinstance(details, dict) else {}
    for name in given:
        if name not in ("right", "subject", "to", "amount"):
            raise GuestFault("bad_args", f"unknown detail {said(name)}")
    if change == "fund":
        desk.check_transfer(COS)
    wanted = ChangeToken(
        token=token_of_text(asset),
        change=text_of(change),
        right=text_of(given.get("right", "")),
        subject=desk.address_of(given["subject"]) if "subject" in given else b"",
        to=desk.address_of(given["to"]) if "to" in given else b"",
        amount=tokens.check_amount(given["amount"]) if "amount" in given else 0,
        deposit_max=0,
    )
    token_rights.check_change(wanted)
    token_rights.change_token(desk.books, desk.address, wanted)


def convert(desk: Desk, asked: Unchecked) -> bytes:
    """Change COS for a token through its reserve, or back, and return what came out."""
    desk.check_not_static()
    asset, amount, into, min_out, expiry = list_of(asked, 5)
    is_back = into == COS_TEXT
    token = token_of_text(asset if is_back else into)
    if not is_back and asset != COS_TEXT:
        raise GuestFault("bad_args", "a conversion is from or to COS")
    desk.check_transfer(token if is_back else COS)
    out = token_rights.convert(
        desk.books,
        desk.address,
        token,
        amount=tokens.check_amount(amount),
        min_out=number_of(min_out),
        expiry=number_of(expiry),
        is_back=is_back,
    )
    return values.encode(out)
