/**
 * MessagePack in its shortest forms: the one encoding of all that is hashed, signed or stored.
 * No floats, no extensions; keys of a map are text, ascending by their UTF-8 bytes.
 */
import { ChaosError } from './errors.js';

const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;
const DEPTH_MAX = 64;
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const malformed = (detail) => new ChaosError('malformed', detail);

/**
 * Return the canonical bytes of null, booleans, integers (BigInt, or a safe integer), text, Uint8Array,
 * arrays, and objects or Maps with text keys. Throws ChaosError('malformed').
 */
export function encode(value) {
  const out = new Writer();
  write(out, value, 0);
  return out.done();
}

/**
 * Return the value of canonical bytes: integers as BigInt, maps as plain objects without a prototype.
 * Throws ChaosError('malformed' | 'not_canonical').
 */
export function decode(bytes) {
  const input = new Reader(bytes);
  const value = read(input, 0);
  if (input.at !== bytes.length) throw malformed('bytes after the value');
  const again = encode(value);
  if (again.length !== bytes.length || again.some((byte, place) => byte !== bytes[place])) {
    throw new ChaosError('not_canonical');
  }
  return value;
}

/** Return UTF-8; throws ChaosError('malformed') for text that Unicode does not know. */
export function utf8(text) {
  if (LONE_SURROGATE.test(text)) throw malformed('text is not valid Unicode');
  return toUtf8.encode(text);
}

/** Return whether this is an object made by braces, JSON.parse or Object.create(null). */
export function isPlainObject(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  #room(count) {
    const needed = this.#length + count;
    if (needed > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      wider.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = wider;
    }
    const start = this.#length;
    this.#length = needed;
    return start;
  }

  byte(value) {
    const start = this.#room(1);
    this.#bytes[start] = value;
  }

  number(value, length) {
    const start = this.#room(length);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let place = start + length - 1; place >= start; place -= 1) {
      this.#bytes[place] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  raw(bytes) {
    const start = this.#room(bytes.length);
    this.#bytes.set(bytes, start);
  }

  done() {
    return this.#bytes.slice(0, this.#length);
  }
}

function write(out, value, depth) {
  if (depth > DEPTH_MAX) throw malformed('too deep');
  if (value === null || value === undefined) out.byte(0xc0);
  else if (value === false) out.byte(0xc2);
  else if (value === true) out.byte(0xc3);
  else if (typeof value === 'bigint') writeInt(out, value);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'string') {
    const text = utf8(value);
    writeLength(out, text.length, [0xa0, 32], 0xd9, 0xda, 0xdb);
    out.raw(text);
  } else if (value instanceof Uint8Array) {
    writeLength(out, value.length, null, 0xc4, 0xc5, 0xc6);
    out.raw(value);
  } else if (Array.isArray(value)) {
    writeLength(out, value.length, [0x90, 16], null, 0xdc, 0xdd);
    for (let place = 0; place < value.length; place += 1) write(out, value[place], depth + 1);
  } else writeMap(out, value, depth);
}

function writeNumber(out, value) {
  if (!Number.isSafeInteger(value)) throw malformed(`${value} is no whole number that is held exactly`);
  writeInt(out, BigInt(value));
}

function writeInt(out, value) {
  if (value < INT_MIN || value > INT_MAX) throw malformed('integers have 64 bits');
  if (value >= 0n) {
    if (value < 128n) return out.byte(Number(value));
    const [code, length] =
      value < 1n << 8n ? [0xcc, 1] : value < 1n << 16n ? [0xcd, 2] : value < 1n << 32n ? [0xce, 4] : [0xcf, 8];
    out.byte(code);
    return out.number(value, length);
  }
  if (value >= -32n) return out.byte(Number(256n + value));
  const [code, length] =
    value >= -(1n << 7n) ? [0xd0, 1] : value >= -(1n << 15n) ? [0xd1, 2] : value >= -(1n << 31n) ? [0xd2, 4] : [0xd3, 8];
  out.byte(code);
  return out.number(value, length);
}

/** Write the length of a text, bytes, an array or a map in the shortest of its forms. */
function writeLength(out, length, small, one, two, four) {
  if (small && length < small[1]) return out.byte(small[0] | length);
  if (one !== null && length < 256) {
    out.byte(one);
    return out.number(length, 1);
  }
  out.byte(length < 65_536 ? two : four);
  return out.number(length, length < 65_536 ? 2 : 4);
}

function writeMap(out, value, depth) {
  const isMap = value instanceof Map;
  if (!isMap && !isPlainObject(value)) {
    throw malformed(`${value?.constructor?.name ?? typeof value} is no value of a contract`);
  }
  const entries = isMap ? [...value] : Object.entries(value);
  const keyed = entries.map(([key, item]) => {
    if (typeof key !== 'string') throw malformed('keys of a map are text');
    return [utf8(key), item];
  });
  keyed.sort(([one], [other]) => compare(one, other));
  writeLength(out, keyed.length, [0x80, 16], null, 0xde, 0xdf);
  for (const [key, item] of keyed) {
    writeLength(out, key.length, [0xa0, 32], 0xd9, 0xda, 0xdb);
    out.raw(key);
    write(out, item, depth + 1);
  }
}

function compare(one, other) {
  const shared = Math.min(one.length, other.length);
  for (let place = 0; place < shared; place += 1) {
    if (one[place] !== other[place]) return one[place] - other[place];
  }
  return one.length - other.length;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (this.at + count > this.bytes.length) throw malformed('bytes end within a value');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  number(length) {
    return this.take(length).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  length(bytes) {
    return Number(this.number(bytes));
  }

  text(length) {
    try {
      return fromUtf8.decode(this.take(length));
    } catch (cause) {
      if (cause instanceof ChaosError) throw cause;
      throw malformed('text is not UTF-8');
    }
  }
}

function read(input, depth) {
  if (depth > DEPTH_MAX) throw malformed('too deep');
  const [code] = input.take(1);
  if (code < 0x80) return BigInt(code);
  if (code < 0x90) return readMap(input, code & 15, depth);
  if (code < 0xa0) return readList(input, code & 15, depth);
  if (code < 0xc0) return input.text(code & 31);
  if (code >= 0xe0) return BigInt(code) - 256n;
  switch (code) {
    case 0xc0: return null;
    case 0xc2: return false;
    case 0xc3: return true;
    case 0xc4: case 0xc5: case 0xc6: return input.take(input.length(1 << (code - 0xc4))).slice();
    case 0xcc: case 0xcd: case 0xce: case 0xcf: return input.number(1 << (code - 0xcc));
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: {
      const length = 1 << (code - 0xd0);
      return BigInt.asIntN(length * 8, input.number(length));
    }
    case 0xd9: case 0xda: case 0xdb: return input.text(input.length(1 << (code - 0xd9)));
    case 0xdc: case 0xdd: return readList(input, input.length(2 << (code - 0xdc)), depth);
    case 0xde: case 0xdf: return readMap(input, input.length(2 << (code - 0xde)), depth);
    default: throw malformed(`no value begins with byte ${code}`);
  }
}

function readList(input, count, depth) {
  const found = [];
  for (let place = 0; place < count; place += 1) found.push(read(input, depth + 1));
  return found;
}

function readMap(input, count, depth) {
  const found = Object.create(null);
  for (let place = 0; place < count; place += 1) {
    const key = read(input, depth + 1);
    if (typeof key !== 'string') throw malformed('keys of a map are text');
    if (key in found) throw malformed('a map has a key twice');
    found[key] = read(input, depth + 1);
  }
  return found;
}
