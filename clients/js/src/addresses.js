/** Addresses: a kind byte and a 32-byte hash, shown as bech32m (BIP-350) under the network's prefix. */
import { bech32m } from '@scure/base';

import { ChaosError } from './errors.js';
import { bigEndian, taggedHash } from './hashing.js';

export const KEY_ACCOUNT = 0;
export const CONTRACT = 1;
export const MODULE = 2;

/** Return an address as people see it, for example `cos1q...`. */
export function formatAddress(prefix, address) {
  if (!isAddress(address)) throw new ChaosError('bad_address', 'an address has 33 bytes and a known kind');
  return bech32m.encodeFromBytes(prefix, address);
}

/** Return the 33 bytes of an address; throws ChaosError('bad_address') unless it is whole and of this network. */
export function parseAddress(prefix, text) {
  let found;
  try {
    found = bech32m.decodeToBytes(text);
  } catch (cause) {
    throw new ChaosError('bad_address', 'mistyped or incomplete', { cause });
  }
  if (found.prefix !== prefix) {
    throw new ChaosError('bad_address', `it begins with '${found.prefix}', here '${prefix}' is used`);
  }
  if (!isAddress(found.bytes)) throw new ChaosError('bad_address', 'not a kind of address this release knows');
  return found.bytes;
}

/** Return the address that a contract will have: it follows from sender, nonce and place in the transaction. */
export function contractAddress(genesis, sender, nonce, actionIndex = 0) {
  const hash = taggedHash('contract', genesis, sender, bigEndian(nonce, 8), bigEndian(actionIndex, 4));
  return Uint8Array.of(CONTRACT, ...hash);
}

function isAddress(bytes) {
  return bytes instanceof Uint8Array && bytes.length === 33 && bytes[0] <= MODULE;
}
