/** Ed25519 keys (RFC 8032) and the one-key account that each has. */
import { ed25519 } from '@noble/curves/ed25519.js';

import { formatAddress, KEY_ACCOUNT } from './addresses.js';
import { ChaosError } from './errors.js';
import { fromHex, taggedHash, toHex } from './hashing.js';
import { encode, utf8 } from './msgpack.js';

export class Key {
  #seed;

  /** @param {Uint8Array | string} seed private key: 32 bytes, or their hex */
  constructor(seed) {
    const bytes = typeof seed === 'string' ? fromHex(seed) : seed;
    if (!(bytes instanceof Uint8Array) || bytes.length !== 32) {
      throw new ChaosError('bad_argument', 'a private key has 32 bytes');
    }
    this.#seed = bytes.slice();
    this.publicKey = ed25519.getPublicKey(this.#seed);
    /** The account's initial key policy: this key alone. */
    this.policy = [[[this.publicKey, 1]], 1];
    /** Address of the account, 33 bytes. */
    this.accountAddress = Uint8Array.of(KEY_ACCOUNT, ...taggedHash('policy', encode(this.policy)));
  }

  /** Return a new key from the system's randomness. */
  static random() {
    return new Key(ed25519.utils.randomPrivateKey());
  }

  /** Return the private key, 32 bytes. Whoever has it has the account. */
  exportSeed() {
    return this.#seed.slice();
  }

  /** Return the account's address as text under a network's prefix. */
  address(prefix) {
    return formatAddress(prefix, this.accountAddress);
  }

  /** Return the signature (64 bytes) of bytes. */
  sign(message) {
    return ed25519.sign(message, this.#seed);
  }

  /** Return the signature of a text for one network; it can never be taken for a transaction. */
  signMessage(genesis, text) {
    return this.sign(taggedHash('signed-message', genesis, utf8(text)));
  }

  toJSON() {
    return { publicKey: toHex(this.publicKey) };
  }
}
