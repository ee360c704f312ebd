// What a JavaScript contract finds: `contract` to declare itself, and the words below. prelude.lua says the same
// in Lua. Numbers of operations: chaosnet/contracts/ops.py. Whatever is sent to the host is checked there
// again; checks here only tell the author early and with the line. Integers are BigInt everywhere: 1n.

(function (native) {
'use strict';
const { host, put } = native;
const GET = 1, SCAN = 3, EMIT = 4, TRANSFER = 5, CALL = 6, BALANCE = 7, HASH = 8, VERIFY = 9;
const GAS_LEFT = 12, TRANSFER_AND_CALL = 13, PRINT = 200;
const ISSUE = 20, BURN = 21, APPROVE = 22, TRANSFER_FROM = 23, ALLOWANCE = 24, TOKEN = 25, RIGHTS = 26, CONVERT = 27;
const PAGE = 32n; // entries that an iteration asks for at once

// ── refusing ────────────────────────────────────────────────────────────────────────────────────────────────

// End the call: nothing that it did remains, and the receipt carries the text.
function revert(text) {
  if (typeof text !== 'string') fail('revert needs a text');
  native.revert(text);
}

// Revert with the text unless the condition holds; return the condition.
function ensure(condition, text) {
  if (!condition) revert(text ?? 'a condition does not hold');
  return condition;
}

function fail(text) {
  throw new TypeError(text);
}

// ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

native.unmap((entries) => {
  const fields = Object.create(null);
  for (const [key, value] of entries) {
    if (typeof key !== 'string') fail('bad_value: keys of a map are text');
    fields[key] = value;
  }
  return fields;
});

const isText = (value) => typeof value === 'string';
const isInt = (value) => typeof value === 'bigint';
const checks = {
  __proto__: null,
  int: isInt,
  text: isText,
  address: isText,
  bool: (value) => typeof value === 'boolean',
  bytes: (value) => value instanceof Uint8Array,
  list: Array.isArray,
  map: (value) => typeof value === 'object' && value !== null,
  any: () => true,
};

function check(kind, value, name) {
  if (!checks[kind](value)) fail(`${name} must be ${kind}, not ${typeof value}`);
  return value;
}

function checkInt(value, name) {
  if (typeof value !== 'bigint') fail(`${name} needs integers as 1n, not ${typeof value}`);
}

function checkInts(a, b, name) {
  checkInt(a, name);
  checkInt(b, name);
}

// ── exact integers: 64 bits, no result is ever wrong ────────────────────────────────────────────────────────

const INT_MAX = 2n ** 63n - 1n, INT_MIN = -(2n ** 63n);

function fitting(result) {
  if (result > INT_MAX || result < INT_MIN) revert('overflow');
  return result;
}

function divided(a, b, rounding, name) {
  if (rounding !== 'down' && rounding !== 'up') fail(`${name} needs 'down' or 'up'`);
  if (b === 0n) revert('division by zero');
  const quotient = a / b, rest = a % b;
  if (rest === 0n) return fitting(quotient);
  const isPositive = rest < 0n === b < 0n;
  if (rounding === 'up') return fitting(isPositive ? quotient + 1n : quotient);
  return fitting(isPositive ? quotient : quotient - 1n);
}

const int = Object.freeze({
  add(a, b) {
    if (!isInt(a) || !isInt(b)) checkInts(a, b, 'int.add');
    return fitting(a + b);
  },
  sub(a, b) {
    if (!isInt(a) || !isInt(b)) checkInts(a, b, 'int.sub');
    return fitting(a - b);
  },
  mul(a, b) {
    if (!isInt(a) || !isInt(b)) checkInts(a, b, 'int.mul');
    return fitting(a * b);
  },
  // a / b, rounded 'down' (to minus infinity) or 'up' (to plus infinity).
  div(a, b, rounding) {
    checkInt(a, 'int.div');
    checkInt(b, 'int.div');
    return divided(a, b, rounding, 'int.div');
  },
  // a * b / c, rounded 'down' or 'up'.
  muldiv(a, b, c, rounding) {
    checkInt(a, 'int.muldiv');
    checkInt(b, 'int.muldiv');
    checkInt(c, 'int.muldiv');
    return divided(a * b, c, rounding, 'int.muldiv');
  },
  // The largest integer whose square is not over a.
  sqrt(a) {
    checkInt(a, 'int.sqrt');
    if (a < 0n) revert('square root of a negative number');
    let low = 0n, high = 3037000499n;
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (middle * middle <= a) low = middle;
      else high = middle - 1n;
    }
    return low;
  },
});

// ── decimals: texts for people, integers in the contract ────────────────────────────────────────────────────

function checkDecimals(decimals) {
  checkInt(decimals, 'decimals');
  if (decimals < 0n || decimals > 18n) revert('decimals are 0 to 18');
}

const decimal = Object.freeze({
  // '1.5' with 6n decimals is 1500000n. ASCII digits only; more digits than there are decimals are refused.
  parse(text, decimals) {
    check('text', text, 'decimal.parse');
    checkDecimals(decimals);
    const parts = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
    if (!parts) revert('not a decimal number');
    const part = parts[3] ?? '';
    if (BigInt(part.length) > decimals) revert(`more than ${decimals} decimals`);
    const digits = (parts[2] + part.padEnd(Number(decimals), '0')).replace(/^0+/, '');
    if (digits.length > 19) revert('overflow');
    return fitting(BigInt(parts[1] && digits ? `-${digits}` : digits));
  },
  // 1500000n with 6n decimals is '1.5'.
  format(value, decimals) {
    checkInt(value, 'decimal.format');
    checkDecimals(decimals);
    const places = Number(decimals);
    const digits = String(value < 0n ? -value : value).padStart(places + 1, '0');
    const whole = digits.slice(0, digits.length - places);
    const part = digits.slice(digits.length - places).replace(/0+$/, '');
    return (value < 0n ? '-' : '') + whole + (part && `.${part}`);
  },
});

// ── bytes: Uint8Array, apart from text ──────────────────────────────────────────────────────────────────────

const content = (value) => (value instanceof Uint8Array ? value : fail(`bytes are needed, not ${typeof value}`));

function bytes(text) {
  return native.utf8(check('text', text, 'bytes')) ?? revert('half a character');
}

bytes.from_text = bytes;
bytes.to_text = (value) => native.text(content(value)) ?? revert('bytes are no text');
bytes.from_hex = (text) => {
  check('text', text, 'bytes.from_hex');
  if (text.length % 2 || /[^0-9a-fA-F]/.test(text)) revert('not hexadecimal');
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
};
bytes.to_hex = (value) => Array.from(content(value), (one) => one.toString(16).padStart(2, '0')).join('');
bytes.concat = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + content(part).length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
// `count` bytes after the first `skip`.
bytes.slice = (value, skip, count) => {
  const size = BigInt(content(value).length);
  checkInt(skip, 'bytes.slice');
  checkInt(count, 'bytes.slice');
  if (skip < 0n || count < 0n || skip + count > size) revert('outside of the bytes');
  return value.slice(Number(skip), Number(skip + count));
};
bytes.equal = (a, b) => content(a).length === content(b).length && a.every((one, i) => one === b[i]);
bytes.size = (value) => BigInt(content(value).length);
Object.freeze(bytes);

// ── storage ─────────────────────────────────────────────────────────────────────────────────────────────────

// Add to an integer that must not fall below zero.
function moved(entry, present, amount) {
  checkInt(amount, entry);
  const result = (present ?? 0n) + amount;
  if (result < 0n) revert(`${entry} would fall below zero`);
  return fitting(result);
}

class Value {
  constructor(name, value) {
    this.name = name;
    this.value = value;
  }
  get() {
    return host(GET, this.name);
  }
  set(value) {
    put(check(this.value, value, this.name), this.name);
  }
  has() {
    return host(GET, this.name) !== null;
  }
  delete() {
    put(null, this.name);
  }
}

// An integer that is 0n until it is set.
class Counter {
  constructor(name) {
    this.name = name;
  }
  get() {
    return host(GET, this.name) ?? 0n;
  }
  set(value) {
    put(check('int', value, this.name), this.name);
  }
  delete() {
    put(null, this.name);
  }
  add(amount) {
    const result = moved(this.name, host(GET, this.name), amount);
    put(result, this.name);
    return result;
  }
  sub(amount) {
    checkInt(amount, this.name);
    return this.add(-amount);
  }
}

// Keys and values in the order of the keys: for (const [key, value] of store.names.each()) { ... }
function* iterate(prefix) {
  let after = null;
  for (;;) {
    const page = host(SCAN, prefix, after, PAGE);
    if (page.length === 0) return; // a page can be short because its entries are large: only this one is the last
    for (const [key, value] of page) yield [...key.slice(prefix.length), value];
    after = page[page.length - 1][0];
  }
}

// At most `limit` entries after the key `after` (null: from the start), as a list of [key, value].
function pageOf(prefix, limit, after) {
  checkInt(limit, 'page');
  const start = after === null || after === undefined ? null : prefix.concat(after);
  return host(SCAN, prefix, start, limit).map(([key, value]) => {
    const rest = key.slice(prefix.length);
    return [rest.length === 1 ? rest[0] : rest, value];
  });
}

// A map with one key.
class OneKey {
  constructor(name, key, value) {
    this.name = name;
    this.key = key;
    this.value = value;
    this.isKey = checks[key];
    this.isValue = checks[value];
  }
  get(key) {
    if (!this.isKey(key)) check(this.key, key, this.name);
    return host(GET, this.name, key);
  }
  has(key) {
    return this.get(key) !== null;
  }
  set(key, value) {
    if (!this.isKey(key)) check(this.key, key, this.name);
    if (!this.isValue(value)) check(this.value, value, this.name);
    put(value, this.name, key);
  }
  delete(key) {
    put(null, this.name, check(this.key, key, this.name));
  }
  // Add to the integer under the key, 0n when there is none; return the new one.
  add(key, amount) {
    const result = moved(this.name, this.get(key), amount);
    put(result, this.name, key);
    return result;
  }
  sub(key, amount) {
    checkInt(amount, this.name);
    return this.add(key, -amount);
  }
  each() {
    return iterate([this.name]);
  }
  page(limit, after) {
    return pageOf([this.name], limit, after);
  }
}

// A map with several keys: get(a, b), set(a, b, value), add(a, b, amount); each(a) goes over what is under a.
class SeveralKeys {
  constructor(name, keys, value) {
    this.name = name;
    this.keys = keys;
    this.value = value;
  }
  #check(given, count) {
    if (given.length !== count) fail(`${this.name} needs ${count} keys or values`);
    this.keys.forEach((kind, i) => check(kind, given[i], this.name));
  }
  #prefix(given) {
    if (given.length >= this.keys.length) fail(`${this.name} has fewer keys`);
    given.forEach((key, i) => check(this.keys[i], key, this.name));
    return [this.name, ...given];
  }
  get(...keys) {
    this.#check(keys, this.keys.length);
    return host(GET, this.name, ...keys);
  }
  has(...keys) {
    return this.get(...keys) !== null;
  }
  set(...keys) {
    this.#check(keys, this.keys.length + 1);
    put(check(this.value, keys.pop(), this.name), this.name, ...keys);
  }
  delete(...keys) {
    this.#check(keys, this.keys.length);
    put(null, this.name, ...keys);
  }
  add(...keys) {
    this.#check(keys, this.keys.length + 1);
    const amount = keys.pop();
    const result = moved(this.name, host(GET, this.name, ...keys), amount);
    put(result, this.name, ...keys);
    return result;
  }
  sub(...keys) {
    const amount = keys.pop();
    checkInt(amount, this.name);
    return this.add(...keys, -amount);
  }
  each(...given) {
    return iterate(this.#prefix(given));
  }
  page(limit, after, ...given) {
    return pageOf(this.#prefix(given), limit, after);
  }
}

// A list, from 0n to len() - 1n.
class List {
  constructor(name, value) {
    this.name = name;
    this.value = value;
  }
  len() {
    return host(GET, this.name) ?? 0n;
  }
  get(index) {
    checkInt(index, this.name);
    return host(GET, this.name, index);
  }
  set(index, value) {
    checkInt(index, this.name);
    if (index < 0n || index >= this.len()) revert(`${this.name} has no such index`);
    put(check(this.value, value, this.name), this.name, index);
  }
  push(value) {
    const length = this.len();
    put(check(this.value, value, this.name), this.name, length);
    put(length + 1n, this.name);
    return length + 1n;
  }
  pop() {
    const length = this.len();
    if (length === 0n) return null;
    const value = host(GET, this.name, length - 1n);
    put(null, this.name, length - 1n);
    put(length === 1n ? null : length - 1n, this.name);
    return value;
  }
  *each() {
    const length = this.len();
    for (let index = 0n; index < length; index++) yield [index, host(GET, this.name, index)];
  }
}

function declared(name, schema) {
  const [kind, ...words] = schema.split(' ').filter((word) => word);
  for (const word of words) if (!(word in checks)) fail(`storage.${name}: ${word} is no type`);
  const value = words[words.length - 1];
  if (kind === 'counter' && words.length === 0) return new Counter(name);
  if (kind === 'value' && words.length === 1) return new Value(name, value);
  if (kind === 'list' && words.length === 1) return new List(name, value);
  if (kind === 'map' && words.length === 2) return new OneKey(name, words[0], value);
  if (kind === 'map' && words.length > 2) return new SeveralKeys(name, words.slice(0, -1), value);
  return fail(`storage.${name}: 'counter', 'value T', 'list T' or 'map K ... T'`);
}

// What is declared is found at once; a Proxy behind it answers for the rest.
const behind = (get, set) =>
  Object.create(new Proxy(Object.create(null), { get: (_, name) => get(name), set: (_, name) => set(name) }));
const fixed = (object, name, get, set) => Object.defineProperty(object, name, { get, set, enumerable: true });
const irreplaceable = (name) => fail(`store.${String(name)} cannot be replaced: use its set`);
const store = behind((name) => fail(`storage.${String(name)} is not declared`), irreplaceable);

// ── the chain ───────────────────────────────────────────────────────────────────────────────────────────────

// Fields: self, caller, origin, action, tx, height, time (ms), chain, sent (a map from asset to amount).
const unchangeable = () => fail('ctx cannot be changed');
const ctx = behind((name) => fail(`ctx has no field ${String(name)}`), unchangeable);
for (const name of ['self', 'caller', 'origin', 'action', 'tx', 'height', 'time', 'chain', 'sent']) {
  let known = null;
  fixed(ctx, name, () => (known ??= native.ctx(name)) ?? fail(`ctx has no field ${name}`), unchangeable);
}

const events = Object.create(null);

// Record an event that the contract declares.
function emit(name, ...values) {
  const fields = events[name] ?? fail(`event ${name} is not declared`);
  if (values.length !== fields.length) fail(`event ${name} has ${fields.length} values`);
  host(EMIT, name, values);
}

function calling(contract, method, args, options, isStatic, isTry) {
  const sent = options?.sent && Object.keys(options.sent).length ? options.sent : null;
  return host(CALL, contract, method, args ?? [], sent, options?.fuel ?? null, isStatic, isTry);
}

function print(...values) {
  host(PRINT, ...values.map((value) => (value instanceof Uint8Array ? bytes.to_hex(value) : String(value))));
}

const words = {
  revert,
  ensure,
  int,
  decimal,
  bytes,
  store,
  ctx,
  emit,
  print,
  console: Object.freeze({ log: print }),
  gas_left: () => host(GAS_LEFT),
  // Send from what the contract owns; the asset is COS unless named. Never runs code of the receiver.
  transfer(to, amount, asset) {
    host(TRANSFER, to, asset ?? 'COS', amount);
  },
  transfer_and_call: (to, amount, asset, method, args) =>
    host(TRANSFER_AND_CALL, to, asset ?? 'COS', amount, method, args ?? []),
  balance: (address, asset) => host(BALANCE, address, asset ?? 'COS'),
  // Call another contract; options: sent: { COS: 5n }, fuel: 100000n. When it fails, this call fails.
  call: (contract, method, args, options) => calling(contract, method, args, options, false, false),
  // The same, but nothing may change.
  static_call: (contract, method, args, options) => calling(contract, method, args, options, true, false),
  // The same, but a failure is an answer: { ok, value } or { ok, code, text }.
  try_call(contract, method, args, options) {
    const answer = calling(contract, method, args, options, false, true);
    return answer[0] ? { ok: true, value: answer[1] } : { ok: false, code: answer[1], text: answer[2] };
  },
  // Hex text; kinds: 'sha256', 'sha512', 'sha3_256'.
  hash: (kind, data) => host(HASH, kind, data),
  // Whether the signature is right; kind: 'ed25519'; the rest are bytes.
  verify: (kind, key, message, signature) => host(VERIFY, kind, key, message, signature),
  token: Object.freeze({
    // Make a token, with `amount` of it for `to`; answers its id. Options: symbol, name, decimals, max, reserve,
    // and who may `issue`, `freeze`, `pause`, `clawback`.
    create: (to, amount, options) => host(ISSUE, null, to, amount, options),
    // More of a token, by whoever holds the right to issue it.
    issue: (asset, to, amount) => host(ISSUE, asset, to, amount, null),
    burn(asset, amount) {
      host(BURN, asset, amount);
    },
    // Let a spender take up to `next` until the height `expiry`; refused unless the allowance is `expected` now.
    approve(asset, spender, expected, next, expiry) {
      host(APPROVE, asset, spender, expected, next, expiry);
    },
    transfer_from(asset, from, to, amount) {
      host(TRANSFER_FROM, asset, from, to, amount);
    },
    allowance: (asset, owner, spender) => host(ALLOWANCE, asset, owner, spender),
    info: (asset) => host(TOKEN, asset),
    rights(asset, change, details) {
      host(RIGHTS, asset, change, details);
    },
    convert: (asset, amount, into, min_out, expiry) => host(CONVERT, asset, amount, into, min_out, expiry),
  }),
};

// ── the contract ────────────────────────────────────────────────────────────────────────────────────────────

let declaration = null;
const methods = Object.create(null);
const shown = Object.create(null);

function withoutRun(fields, place) {
  if (typeof fields !== 'object' || fields === null) fail(`${place} must be an object`);
  if (!Object.hasOwn(fields, 'run') || typeof fields.run !== 'function') fail(`${place} needs a function run`);
  const { run, ...rest } = fields;
  return rest;
}

// `api: 1` may be written as a Number in a declaration, where it can mean nothing else.
function contract(fields) {
  if (declaration) fail('a source declares one contract');
  if (typeof fields !== 'object' || fields === null) fail('contract needs an object');
  declaration = fields;
  Object.assign(shown, fields);
  if (typeof fields.api === 'number') shown.api = BigInt(fields.api);
  if (fields.init !== undefined) {
    shown.init = withoutRun(fields.init, 'init');
    methods['@init'] = fields.init;
  }
  if (typeof fields.methods !== 'object' || fields.methods === null) fail('methods must be an object');
  shown.methods = Object.create(null);
  for (const [name, method] of Object.entries(fields.methods)) {
    shown.methods[name] = withoutRun(method, `methods.${name}`);
    methods[name] = method;
  }
  for (const [name, values] of Object.entries(fields.events ?? {})) events[name] = values;
  for (const [name, schema] of Object.entries(fields.storage ?? {})) {
    const entry = declared(name, check('text', schema, 'storage'));
    fixed(store, name, () => entry, () => irreplaceable(name));
  }
}

for (const [name, value] of Object.entries({ ...words, contract }))
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });

// Return the object whose `run` is the method.
return function (method) {
  if (method === '@loaded') return declaration ?? fail('the source declares no contract({...})');
  if (method === '@interface') return { run: () => shown };
  return methods[method] ?? fail(`no method ${method}`);
};
});
