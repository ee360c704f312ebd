// What a contract in JavaScript finds, for editors. Nothing here runs. Integers are BigInt: 1n, never 1.

type Address = string;
type Value = null | boolean | bigint | string | Uint8Array | Value[] | { [key: string]: Value };
type Rounding = 'down' | 'up';

interface Method {
  kind: 'view' | 'write' | 'payable';
  /** Names and types: 'to address', 'note text?'. */
  args?: string[];
  returns?: string;
  doc?: string;
  reentrant?: boolean;
  run(...args: any[]): any;
}

interface Declaration {
  api: 1 | 1n;
  name: string;
  version?: string;
  licence?: string;
  doc?: string;
  permissions?: { transfer?: string[] | 'any'; call?: Address[] | 'any'; issue?: boolean };
  events?: Record<string, string[]>;
  errors?: Record<string, string>;
  /** 'counter', 'value T', 'list T', 'map K ... T'. */
  storage?: Record<string, string>;
  init?: Omit<Method, 'kind'> & { kind?: 'write' | 'payable' };
  methods: Record<string, Method>;
}

/** Declare the contract, once. */
declare function contract(fields: Declaration): void;
/** End the call: nothing that it did remains, and the receipt carries the text. */
declare function revert(text: string): never;
/** Revert with the text unless the condition holds; return the condition. */
declare function ensure<T>(condition: T, text?: string): NonNullable<T>;

/** Exact integers of 64 bits: what does not fit reverts. */
declare const int: {
  add(a: bigint, b: bigint): bigint;
  sub(a: bigint, b: bigint): bigint;
  mul(a: bigint, b: bigint): bigint;
  div(a: bigint, b: bigint, rounding: Rounding): bigint;
  /** a * b / c with a product of 128 bits. */
  muldiv(a: bigint, b: bigint, c: bigint, rounding: Rounding): bigint;
  sqrt(a: bigint): bigint;
};

declare const decimal: {
  /** '1.5' with 6n decimals is 1500000n. */
  parse(text: string, decimals: bigint): bigint;
  format(value: bigint, decimals: bigint): string;
};

declare const bytes: {
  (text: string): Uint8Array;
  from_text(text: string): Uint8Array;
  to_text(value: Uint8Array): string;
  from_hex(text: string): Uint8Array;
  to_hex(value: Uint8Array): string;
  concat(...parts: Uint8Array[]): Uint8Array;
  /** `count` bytes after the first `skip`. */
  slice(value: Uint8Array, skip: bigint, count: bigint): Uint8Array;
  equal(a: Uint8Array, b: Uint8Array): boolean;
  size(value: Uint8Array): bigint;
};

declare const ctx: {
  readonly self: Address;
  /** Who called this method. */
  readonly caller: Address;
  /** Who sent the transaction: for logs, never to decide anything. */
  readonly origin: Address;
  readonly action: bigint;
  readonly tx: string;
  readonly height: bigint;
  /** Milliseconds. */
  readonly time: bigint;
  readonly chain: string;
  /** Asset -> amount. */
  readonly sent: Record<string, bigint>;
};

declare function gas_left(): bigint;
/** Record an event that the contract declares. */
declare function emit(name: string, ...values: Value[]): void;
/** Send from what the contract owns; the asset is COS unless named. Never runs code of the receiver. */
declare function transfer(to: Address, amount: bigint, asset?: string): void;
declare function transfer_and_call(to: Address, amount: bigint, asset: string, method: string, args?: Value[]): Value;
declare function balance(address: Address, asset?: string): bigint;

interface CallOptions {
  sent?: Record<string, bigint>;
  fuel?: bigint;
}
/** When it fails, this call fails. */
declare function call(contract: Address, method: string, args?: Value[], options?: CallOptions): any;
/** The same, but nothing may change. */
declare function static_call(contract: Address, method: string, args?: Value[], options?: CallOptions): any;
/** The same as call, but a failure is an answer. */
declare function try_call(
  contract: Address,
  method: string,
  args?: Value[],
  options?: CallOptions,
): { ok: true; value: any } | { ok: false; code: string; text: string };

/** Hex text. */
declare function hash(kind: 'sha256' | 'sha512', data: Uint8Array | string): string;
declare function verify(kind: 'ed25519', key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
/** In tests only; a running chain ignores it. */
declare function print(...values: unknown[]): void;
declare const console: { log(...values: unknown[]): void };

interface TokenOptions {
  symbol: string;
  name?: string;
  decimals?: bigint;
  max?: bigint;
  issue?: Address;
  freeze?: Address;
  pause?: Address;
  clawback?: Address;
  reserve?: { motes: bigint; tokens: bigint; fee?: bigint; withdraw?: Address };
}

declare const token: {
  /** Make a token; answers its id. */
  create(to: Address, amount: bigint, options: TokenOptions): string;
  issue(asset: string, to: Address, amount: bigint): void;
  burn(asset: string, amount: bigint): void;
  /** Let a spender take up to `next` until the height `expiry`; refused unless it may take `expected` now. */
  approve(asset: string, spender: Address, expected: bigint, next: bigint, expiry: bigint): void;
  transfer_from(asset: string, from: Address, to: Address, amount: bigint): void;
  allowance(asset: string, owner: Address, spender: Address): bigint;
  info(asset: string): Record<string, Value> | null;
  rights(
    asset: string,
    change:
      | 'hand_on' | 'renounce' | 'freeze' | 'unfreeze' | 'pause' | 'unpause' | 'clawback' | 'fund' | 'withdraw',
    details: Record<string, Value>,
  ): void;
  convert(asset: string, amount: bigint, into: string, min_out: bigint, expiry: bigint): bigint;
};

interface CounterEntry {
  get(): bigint;
  set(value: bigint): void;
  add(amount: bigint): bigint;
  sub(amount: bigint): bigint;
  delete(): void;
}
interface ValueEntry<V> {
  get(): V | null;
  set(value: V): void;
  has(): boolean;
  delete(): void;
}
interface MapEntry<K extends unknown[], V> {
  get(...keys: K): V | null;
  has(...keys: K): boolean;
  set(...keysAndValue: [...K, V]): void;
  delete(...keys: K): void;
  add(...keysAndAmount: [...K, bigint]): bigint;
  sub(...keysAndAmount: [...K, bigint]): bigint;
  each(...prefix: Partial<K>): Iterable<any[]>;
  page(limit: bigint, after?: unknown, ...prefix: Partial<K>): [unknown, V][];
}
interface ListEntry<V> {
  len(): bigint;
  get(index: bigint): V | null;
  set(index: bigint, value: V): void;
  push(value: V): bigint;
  pop(): V | null;
  each(): Iterable<[bigint, V]>;
}
