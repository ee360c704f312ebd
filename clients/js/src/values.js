/**
 * Values of contracts: null, booleans, integers of 64 bits as BigInt, text, Uint8Array, lists, and maps with
 * text keys. A JavaScript number is refused even when it is whole, as contracts refuse it: write 1n.
 */
import { ChaosError } from './errors.js';
import { fromHex, toHex } from './hashing.js';
import { decode, encode, isPlainObject, utf8 } from './msgpack.js';

const VALUE_BYTES_MAX = 16 * 1024;
const VALUE_DEPTH_MAX = 16;
const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const INT_MIN = -(2n ** 63n);
const INT_MAX = 2n ** 63n - 1n;

/** Return the canonical bytes of a value; throws ChaosError('malformed' | 'too_large'). */
export function encodeValue(value) {
  checkValue(value);
  const bytes = encode(value);
  checkSize(bytes);
  return bytes;
}

/** Return the value of canonical bytes; throws ChaosError('malformed' | 'not_canonical' | 'too_large'). */
export function decodeValue(bytes) {
  checkSize(bytes);
  const value = decode(bytes);
  checkValue(value);
  return value;
}

/** Throw ChaosError('malformed') unless this is a value of a contract. */
export function checkValue(value, depth = 0) {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      utf8(value);
      return;
    case 'bigint':
      if (value < INT_MIN || value > INT_MAX) throw malformed('integers have 64 bits');
      return;
    case 'number':
      throw malformed(`numbers are not exact: write ${Number.isInteger(value) ? value : 1}n, a BigInt`);
    default:
      if (value === null || value instanceof Uint8Array) return;
  }
  const items = itemsOf(value);
  if (depth >= VALUE_DEPTH_MAX) throw malformed(`lists and maps nest at most ${VALUE_DEPTH_MAX} deep`);
  for (const item of items) checkValue(item, depth + 1);
}

/** Return what stands for a value in the JSON of nodes. */
export function toJson(value) {
  checkValue(value);
  return jsonOf(value);
}

/** Return the value that the JSON of a node stands for; throws ChaosError('bad_argument'). */
export function fromJson(found) {
  if (found === null || typeof found === 'boolean' || typeof found === 'string') return found;
  if (typeof found === 'number') {
    if (!Number.isSafeInteger(found)) throw new ChaosError('bad_argument', `${found} is no exact integer`);
    return BigInt(found);
  }
  if (Array.isArray(found)) return found.map(fromJson);
  if (!isPlainObject(found)) throw new ChaosError('bad_argument', `${typeof found} is not JSON`);
  const keys = Object.keys(found);
  if (keys.some((key) => key.startsWith('$'))) return tagged(found, keys);
  return mapOf(Object.entries(found));
}

function malformed(detail) {
  return new ChaosError('malformed', detail);
}

function checkSize(bytes) {
  if (bytes.length > VALUE_BYTES_MAX) {
    throw new ChaosError('too_large', `${bytes.length} bytes, at most ${VALUE_BYTES_MAX}`);
  }
}

function itemsOf(value) {
  if (Array.isArray(value)) return Array.from(value); // holes become undefined, which is refused
  const isMap = value instanceof Map;
  if (!isMap && !isPlainObject(value)) {
    throw malformed(`${value?.constructor?.name ?? typeof value} is no value of a contract`);
  }
  for (const key of isMap ? value.keys() : Object.keys(value)) {
    if (typeof key !== 'string') throw malformed('keys of a map are text');
    utf8(key);
  }
  return isMap ? [...value.values()] : Object.values(value);
}

function jsonOf(value) {
  if (typeof value === 'bigint') {
    return value >= -EXACT_MAX && value <= EXACT_MAX ? Number(value) : { $int: value.toString() };
  }
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (Array.isArray(value)) return value.map(jsonOf);
  if (value === null || typeof value !== 'object') return value;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const shown = entries.map(([key, item]) => [key, jsonOf(item)]);
  return shown.some(([key]) => key.startsWith('$')) ? { $map: shown } : mapOf(shown, (item) => item);
}

function tagged(found, keys) {
  if (keys.length === 1) {
    const inner = found[keys[0]];
    if (keys[0] === '$int' && typeof inner === 'string' && /^-?[0-9]{1,20}$/.test(inner)) return BigInt(inner);
    if (keys[0] === '$bytes' && typeof inner === 'string') return fromHex(inner);
    if (keys[0] === '$map' && Array.isArray(inner)) return mapOf(inner);
  }
  const detail = 'a key that begins with $ stands for $int, $bytes or $map, alone in its object';
  throw new ChaosError('bad_argument', detail);
}

/** Return an object without a prototype, so that a key such as `__proto__` is a key like any other. */
function mapOf(entries, change = fromJson) {
  const made = Object.create(null);
  for (const entry of entries) {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string') {
      throw new ChaosError('bad_argument', '$map holds pairs of a text and a value');
    }
    if (entry[0] in made) throw new ChaosError('bad_argument', '$map has a key twice');
    made[entry[0]] = change(entry[1]);
  }
  return made;
}
