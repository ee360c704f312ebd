/** SHA-256 with tags, and the Merkle trees over receipts and events (RFC 9162, section 2.1). */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

import { ChaosError } from './errors.js';

/** Return lower-case hex. */
export const toHex = bytesToHex;

/** Return the bytes of hex, whatever its case; throws ChaosError('bad_argument'). */
export function fromHex(text) {
  try {
    return hexToBytes(text);
  } catch (cause) {
    throw new ChaosError('bad_argument', 'not hex', { cause });
  }
}

/** Return SHA-256(length of the tag, tag, data): bytes of one kind never count as another. */
export function taggedHash(tag, ...data) {
  const name = utf8ToBytes(tag);
  return sha256(concatBytes(Uint8Array.of(name.length), name, ...data));
}

/** Return a number as eight bytes or fewer, big end first. */
export function bigEndian(number, length) {
  const bytes = new Uint8Array(length);
  let rest = BigInt(number);
  for (let place = length - 1; place >= 0; place -= 1) {
    bytes[place] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Return whether two byte strings are the same; none of them is a secret. */
export function isSame(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/**
 * Throw ChaosError('proof_invalid') unless `item` is number `index` of `count` items under `root`.
 * The walk is that of RFC 9162, 2.1.3.2: `last` is the index of the last node of the level.
 */
export function checkMerkleProof(root, item, index, count, path) {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < count)) {
    throw new ChaosError('proof_invalid', `item ${index} of ${count}`);
  }
  let at = BigInt(index);
  let last = BigInt(count) - 1n;
  let node = sha256(concatBytes(Uint8Array.of(0), item));
  for (const sibling of path) {
    if (last === 0n || sibling.length !== 32) {
      throw new ChaosError('proof_invalid', 'path is too long or malformed');
    }
    if (at & 1n || at === last) {
      node = sha256(concatBytes(Uint8Array.of(1), sibling, node));
      while (!(at & 1n) && at) {
        at >>= 1n; // a last node without a sibling went up unchanged
        last >>= 1n;
      }
    } else {
      node = sha256(concatBytes(Uint8Array.of(1), node, sibling));
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last || !isSame(node, root)) {
    throw new ChaosError('proof_invalid', 'path does not lead to the root');
  }
}
