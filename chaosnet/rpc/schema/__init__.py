"""Requests and results of the interface: the only types the faces know.

JSON conventions: hashes, keys and raw bytes are lower-case hex; addresses are bech32m; amounts are decimal
strings of motes (never numbers: tokens may pass 2^53); times are Unix milliseconds.
"""

from chaosnet.rpc.schema.chain import Account as Account
from chaosnet.rpc.schema.chain import AccountProof as AccountProof
from chaosnet.rpc.schema.chain import Block as Block
from chaosnet.rpc.schema.chain import BlockList as BlockList
from chaosnet.rpc.schema.chain import BlockSummary as BlockSummary
from chaosnet.rpc.schema.chain import EvidenceItem as EvidenceItem
from chaosnet.rpc.schema.chain import EvidenceList as EvidenceList
from chaosnet.rpc.schema.chain import GenesisDocument as GenesisDocument
from chaosnet.rpc.schema.chain import LockStatus as LockStatus
from chaosnet.rpc.schema.chain import Params as Params
from chaosnet.rpc.schema.chain import SearchResult as SearchResult
from chaosnet.rpc.schema.chain import SetChange as SetChange
from chaosnet.rpc.schema.chain import Transaction as Transaction
from chaosnet.rpc.schema.chain import TransactionList as TransactionList
from chaosnet.rpc.schema.chain import TransactionSummary as TransactionSummary
from chaosnet.rpc.schema.contracts import Answer as Answer
from chaosnet.rpc.schema.contracts import Contract as Contract
from chaosnet.rpc.schema.contracts import ContractEvent as ContractEvent
from chaosnet.rpc.schema.contracts import ContractList as ContractList
from chaosnet.rpc.schema.contracts import ContractSummary as ContractSummary
from chaosnet.rpc.schema.contracts import EventList as EventList
from chaosnet.rpc.schema.contracts import Holding as Holding
from chaosnet.rpc.schema.contracts import HoldingList as HoldingList
from chaosnet.rpc.schema.contracts import Query as Query
from chaosnet.rpc.schema.contracts import StorageEntry as StorageEntry
from chaosnet.rpc.schema.contracts import StorageList as StorageList
from chaosnet.rpc.schema.contracts import Token as Token
from chaosnet.rpc.schema.contracts import TokenList as TokenList
from chaosnet.rpc.schema.contracts import TokenReserve as TokenReserve
from chaosnet.rpc.schema.events import BlockEvent as BlockEvent
from chaosnet.rpc.schema.events import ClosedEvent as ClosedEvent
from chaosnet.rpc.schema.events import FinalEvent as FinalEvent
from chaosnet.rpc.schema.events import HealthEvent as HealthEvent
from chaosnet.rpc.schema.events import PendingEvent as PendingEvent
from chaosnet.rpc.schema.events import ReorgEvent as ReorgEvent
from chaosnet.rpc.schema.events import ResetEvent as ResetEvent
from chaosnet.rpc.schema.events import RoundEvent as RoundEvent
from chaosnet.rpc.schema.events import StreamEvent as StreamEvent
from chaosnet.rpc.schema.node import ConsensusStatus as ConsensusStatus
from chaosnet.rpc.schema.node import Health as Health
from chaosnet.rpc.schema.node import MemberStatus as MemberStatus
from chaosnet.rpc.schema.node import Peer as Peer
from chaosnet.rpc.schema.node import PeerList as PeerList
from chaosnet.rpc.schema.node import Problem as Problem
from chaosnet.rpc.schema.node import Shape as Shape
from chaosnet.rpc.schema.node import Status as Status
from chaosnet.rpc.schema.requests import BatchRequest as BatchRequest
from chaosnet.rpc.schema.requests import BatchResult as BatchResult
from chaosnet.rpc.schema.requests import RawHex as RawHex
from chaosnet.rpc.schema.requests import Simulation as Simulation
from chaosnet.rpc.schema.requests import SubmitRequest as SubmitRequest
from chaosnet.rpc.schema.requests import Verdict as Verdict
from chaosnet.rpc.schema.staking import Delegation as Delegation
from chaosnet.rpc.schema.staking import DelegationList as DelegationList
from chaosnet.rpc.schema.staking import EpochStatus as EpochStatus
from chaosnet.rpc.schema.staking import Reorganisation as Reorganisation
from chaosnet.rpc.schema.staking import Tree as Tree
from chaosnet.rpc.schema.staking import TreeBlock as TreeBlock
from chaosnet.rpc.schema.staking import UnbondingPart as UnbondingPart
from chaosnet.rpc.schema.staking import ValidatorList as ValidatorList
from chaosnet.rpc.schema.staking import ValidatorStatus as ValidatorStatus
