"""What the routes of contracts and tokens do with a checked request."""

import msgspec

from chaosnet.base.errors import Invalid
from chaosnet.rpc import arguments as args
from chaosnet.rpc import schema
from chaosnet.rpc.handlers import Asked


async def contracts(asked: Asked[args.PageArguments]) -> schema.ContractList:
    """Contracts, newest first."""
    return await asked.backend.contracts(asked.given.cursor, asked.given.limit)


async def contract(asked: Asked[args.AccountArguments]) -> schema.Contract:
    """One contract: its source, interface and permissions."""
    return asked.backend.contract(asked.given.address)


async def contract_storage(asked: Asked[args.StorageArguments]) -> schema.StorageList:
    """Entries of a contract's storage, in the order of their keys."""
    given = asked.given
    after = None if given.after is None else _key_of(given.after, "after")
    return asked.backend.contract_storage(given.address, _key_of(given.prefix, "prefix"), after, given.limit)


async def storage_entry(asked: Asked[args.StorageEntryArguments]) -> schema.StorageEntry:
    """One entry of a contract's storage."""
    return asked.backend.storage_entry(asked.given.address, _key_of(asked.given.key, "key"))


async def storage_proof(asked: Asked[args.StorageProofArguments]) -> schema.StorageProof:
    """Self-contained proof of an entry of a contract's storage, present or absent."""
    given = asked.given
    key = _key_of(given.key, "key")
    return asked.backend.storage_proof(given.address, key, given.height, given.trusted_height)


async def events(asked: Asked[args.EventsArguments]) -> schema.EventList:
    """Events of contracts, newest first: all, or of one contract, or of one name of it."""
    given = asked.given
    if given.name is not None and given.contract is None:
        raise Invalid("bad_argument", "name: a contract is needed too")
    return await asked.backend.events(given.contract, given.name, given.cursor, given.limit)


async def contract_events(asked: Asked[args.ContractEventsArguments]) -> schema.EventList:
    """Events of one contract, newest first: all, or of one name."""
    given = asked.given
    return await asked.backend.events(given.address, given.name, given.cursor, given.limit)


async def event_proof(asked: Asked[args.EventProofArguments]) -> schema.EventProof:
    """Proof of one event against the header of its block."""
    given = asked.given
    return await asked.backend.event_proof(given.id, given.index, given.trusted_height)


async def query(asked: Asked[schema.Query]) -> schema.Answer:
    """Ask a method of a contract: nothing changes, nothing is paid; also a failure is an answer."""
    return await asked.backend.query(str(asked.request.path_params["address"]), asked.given)


async def tokens(asked: Asked[args.PageArguments]) -> schema.TokenList:
    """Tokens in the order of their ids."""
    return await asked.backend.tokens(asked.given.cursor, asked.given.limit)


async def token(asked: Asked[args.TokenArguments]) -> schema.Token:
    """One token: supply, rights, reserve."""
    return asked.backend.token(asked.given.id)


async def token_holders(asked: Asked[args.TokenPageArguments]) -> schema.HoldingList:
    """Who holds a token, in the order of addresses."""
    given = asked.given
    return await asked.backend.token_holders(given.id, given.cursor, given.limit)


async def token_transfers(asked: Asked[args.TokenPageArguments]) -> schema.TokenTransferList:
    """Transfers of a token, newest first: also those inside contracts, and what was made and destroyed."""
    given = asked.given
    return await asked.backend.token_transfers(given.id, given.cursor, given.limit)


async def account_tokens(asked: Asked[args.ContractPageArguments]) -> schema.HoldingList:
    """Tokens that an account or a contract holds."""
    given = asked.given
    return await asked.backend.account_tokens(given.address, given.cursor, given.limit)


def _key_of(text: str, name: str) -> list[object]:
    """Return a key in JSON; its parts are judged where it is looked up."""
    try:
        return msgspec.json.decode(text, type=list[object])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Invalid("bad_argument", f'{name}: a JSON list, such as ["balances", "cos1..."]') from None
