/** A value of a contract. Integers are BigInt: a number such as 1 is refused, 1n is taken. */
export type Value = null | boolean | bigint | string | Uint8Array | Value[] | { [key: string]: Value };
/** What `Value` may be made of: also Map with text keys. */
export type Given = Value | Given[] | Map<string, Given> | { [key: string]: Given };

/** What goes wrong, with the stable code that nodes and this package share. */
export class ChaosError extends Error {
  constructor(code: string, detail?: string, more?: { status?: number; retryAfterMs?: number; cause?: unknown });
  readonly code: string;
  readonly detail: string;
  /** HTTP status of the answer; undefined when no node answered. */
  readonly status?: number;
  /** When to try again; undefined when that would not help. */
  readonly retryAfterMs?: number;
}

// ── keys and addresses ──────────────────────────────────────────────────────────────────────────────────

/** An Ed25519 key, and the one-key account that it has. */
export class Key {
  /** `seed`: private key, 32 bytes or their hex. */
  constructor(seed: Uint8Array | string);
  static random(): Key;
  readonly publicKey: Uint8Array;
  /** Address of the account, 33 bytes. */
  readonly accountAddress: Uint8Array;
  readonly policy: Policy;
  /** Whoever has it has the account. */
  exportSeed(): Uint8Array;
  /** Address of the account as text under a network's prefix. */
  address(prefix: string): string;
  sign(message: Uint8Array): Uint8Array;
  /** Sign a text for one network; it can never be taken for a transaction. */
  signMessage(genesis: Uint8Array, text: string): Uint8Array;
  toJSON(): { publicKey: string };
}

export type Policy = [[Uint8Array, number][], number];

export function formatAddress(prefix: string, address: Uint8Array): string;
export function parseAddress(prefix: string, text: string): Uint8Array;
/** Address that a contract will have: it follows from sender, nonce and place in the transaction. */
export function contractAddress(
  genesis: Uint8Array,
  sender: Uint8Array,
  nonce: number | bigint,
  actionIndex?: number,
): Uint8Array;

// ── values and hashes ───────────────────────────────────────────────────────────────────────────────────

export function encodeValue(value: Given): Uint8Array;
export function decodeValue(bytes: Uint8Array): Value;
export function toJson(value: Given): unknown;
export function fromJson(found: unknown): Value;
export function toHex(bytes: Uint8Array): string;
export function fromHex(text: string): Uint8Array;
export function taggedHash(tag: string, ...data: Uint8Array[]): Uint8Array;

// ── transactions, also off line ─────────────────────────────────────────────────────────────────────────

/** What a transaction does; made by `transfer`, `deploy`, `call` and the functions for tokens. */
export type Action = readonly [number, ...unknown[]] & { readonly __action?: never };
export type Body = readonly unknown[] & { readonly __body?: never };

/** Amounts are in smallest units: 1 COS is 100,000,000 motes. */
export function transfer(to: Uint8Array, amount: bigint): Action;
export function deploy(
  engine: string,
  source: string | Uint8Array,
  args?: Given[],
  options?: { sent?: bigint; depositMax?: bigint },
): Action;
/** `sent`: pairs of an asset (empty: COS, else a token's id) and an amount. */
export function call(
  contract: Uint8Array,
  method: string,
  args?: Given[],
  options?: { sent?: [Uint8Array, bigint][]; depositMax?: bigint },
): Action;
export function sendToken(
  token: Uint8Array,
  to: Uint8Array,
  amount: bigint,
  options?: { owner?: Uint8Array; depositMax?: bigint },
): Action;
/** `expected`: what the spender may take now; another amount there is a failure. */
export function approveToken(
  token: Uint8Array,
  spender: Uint8Array,
  options: { expected?: bigint; amount: bigint; expiry: number | bigint; depositMax?: bigint },
): Action;
export function burnToken(token: Uint8Array, amount: bigint): Action;

export function transactionBody(fields: {
  genesis: Uint8Array;
  sender: Uint8Array;
  /** Number of transactions that the sender has on the chain. */
  nonce: number | bigint;
  /** Last height that may include it. */
  expiry: number | bigint;
  gasLimit: number | bigint;
  /** Motes per gas. */
  gasPrice: number | bigint;
  actions: Action[];
  memo?: string;
  /** A recent block; absent when made off line. */
  anchor?: { height: number | bigint; id: Uint8Array };
}): Body;
export function transactionId(body: Body): Uint8Array;
export function signTransaction(body: Body, key: Key): { id: Uint8Array; raw: Uint8Array };

// ── a node ──────────────────────────────────────────────────────────────────────────────────────────────

export interface Page {
  /** `next` of the page before. */
  cursor?: string;
  limit?: number;
}

export interface ContractEvent {
  contract: string;
  name: string;
  values: Value[];
  index: number;
  tx_id: string;
  height: number;
}

export interface Account {
  address: string;
  exists: boolean;
  nonce: number;
  /** Motes that can be spent now. */
  balance: string;
  locked: string;
  total: string;
  height: number;
  block_id: string;
  pending_nonce: number;
  [field: string]: unknown;
}

export interface Transaction {
  id: string;
  status: 'pending' | 'included' | 'final';
  raw: string;
  body: Record<string, unknown>;
  height: number | null;
  block_id: string | null;
  code: string | null;
  gas: number | null;
  fee: string | null;
  events: ContractEvent[];
  returns: Value[];
  /** What a contract said when it failed. */
  text: string;
  [field: string]: unknown;
}

export interface Simulation {
  code: string;
  detail: string;
  gas: number;
  fee: string;
  /** Motes that the state would lock; negative: they would be freed. */
  deposit: string;
  events: ContractEvent[];
  returns: Value[];
  failed_at: number | null;
}

export interface Verdict {
  id: string;
  code: string;
  detail: string;
}

export interface StorageEntry {
  key: Value[];
  value: Value;
  /** Motes a byte that are locked for it. */
  rate: number;
}

export interface Holding {
  token: string;
  symbol: string;
  decimals: number;
  amount: string;
  holder: string;
  is_frozen: boolean;
}

/** An event of the node's stream; the fields beside these two are those of docs/api.md. */
export interface StreamEvent {
  event: 'block' | 'said' | 'reorg' | 'final' | 'pending' | 'health' | 'round' | 'reset' | (string & {});
  id: string;
  [field: string]: unknown;
}

export interface EventProof {
  event: string;
  event_index: number;
  events_count: number;
  event_path: string[];
  receipt: string;
  position: number;
  receipts_count: number;
  receipt_path: string[];
  header: string;
  [field: string]: unknown;
}

/** Questions to a node over REST and its stream of events. Nothing here holds a key. */
export class Client {
  /** `url` of a node's public listener. */
  constructor(url: string, options?: { timeoutMs?: number; fetch?: typeof fetch });
  status(): Promise<Record<string, any>>;
  params(): Promise<Record<string, any>>;
  network(): Promise<{ genesis: string; prefix: string }>;
  account(address: string): Promise<Account>;
  accountTokens(address: string, page?: Page): Promise<{ holdings: Holding[]; next: string | null }>;
  block(name: number | string): Promise<Record<string, any>>;
  transaction(id: string): Promise<Transaction>;
  submit(raw: Uint8Array): Promise<Verdict>;
  simulate(raw: Uint8Array): Promise<Simulation>;
  waitForTransaction(
    id: string,
    options?: { until?: 'included' | 'final'; timeoutMs?: number },
  ): Promise<Transaction>;
  contracts(page?: Page): Promise<{ contracts: Record<string, any>[]; next: string | null }>;
  contract(address: string): Promise<Record<string, any>>;
  storage(
    address: string,
    options?: { prefix?: Given[]; after?: string; limit?: number },
  ): Promise<{ entries: StorageEntry[]; next: string | null }>;
  storageEntry(address: string, key: Given[]): Promise<StorageEntry>;
  query(
    contract: string,
    method: string,
    args?: Given[],
    options?: { caller?: string; gas?: number },
  ): Promise<Value>;
  events(
    options?: Page & { contract?: string; name?: string },
  ): Promise<{ events: ContractEvent[]; next: string | null }>;
  eventProof(transactionId: string, index: number): Promise<EventProof>;
  tokens(page?: Page): Promise<{ tokens: Record<string, any>[]; next: string | null }>;
  token(id: string): Promise<Record<string, any>>;
  tokenHolders(id: string, page?: Page): Promise<{ holdings: Holding[]; next: string | null }>;
  /** `after`: id of the last event seen. */
  stream(options?: {
    kinds?: string[];
    after?: string | number;
    signal?: AbortSignal;
  }): AsyncGenerator<StreamEvent, void>;
  listen(options?: {
    contract?: string;
    name?: string;
    after?: string | number;
    signal?: AbortSignal;
  }): AsyncGenerator<ContractEvent, void>;
}

/**
 * Return the event that a node's proof shows to be in the block with this id, or throw 'proof_invalid'.
 * Whether that block is the chain's must be known: from one's own node, or from several independent ones.
 */
export function checkEventProof(
  proof: EventProof,
  blockId: Uint8Array | string,
): { transactionId: string; index: number; contract: Uint8Array; name: string; values: Value[]; height: number };

// ── an account that acts ────────────────────────────────────────────────────────────────────────────────

export interface Options {
  /** Default: what the dry run took, and a quarter. */
  gasLimit?: number | bigint;
  /** Motes per gas. Default: the least that the network takes. */
  gasPrice?: number | bigint;
  /** Most motes that each action may lock. Default: what the dry run locked, and a quarter. */
  depositMax?: bigint;
  memo?: string;
  expiryBlocks?: number;
  /** `false`: return once the node has taken it. */
  wait?: boolean;
  until?: 'included' | 'final';
  timeoutMs?: number;
}

export interface Receipt {
  id: string;
  code: string;
  /** What the last action returned: of a deployment, the contract's address. */
  value: Value;
  returns: Value[];
  events: ContractEvent[];
  gas: bigint;
  /** Motes. */
  fee: bigint;
  height: number;
  status: string;
}

/** With `wait: false` only `id` and `code` are there. */
export class Wallet {
  constructor(client: Client, key: Key);
  address(): Promise<string>;
  /** Motes that can be spent now. */
  balance(): Promise<bigint>;
  transfer(to: string, amount: bigint, options?: Options): Promise<Receipt>;
  sendToken(token: string, to: string, amount: bigint, options?: Options): Promise<Receipt>;
  deploy(
    engine: string,
    source: string,
    args?: Given[],
    options?: Options & { sent?: bigint },
  ): Promise<Receipt>;
  /** `sent`: 'COS', or the id of a token -> amount in its smallest units. */
  call(
    contract: string,
    method: string,
    args?: Given[],
    options?: Options & { sent?: Record<string, bigint> },
  ): Promise<Receipt>;
  query(
    contract: string,
    method: string,
    args?: Given[],
    options?: { caller?: string; gas?: number },
  ): Promise<Value>;
  estimate(actions: Action[], options?: Options): Promise<Simulation>;
  act(actions: Action[], options?: Options): Promise<Receipt>;
  nextContract(): Promise<string>;
}
