/** Transactions: actions and bodies in the node's canonical bytes, their id, and signatures. */
import { ChaosError } from './errors.js';
import { isSame, taggedHash } from './hashing.js';
import { encode, utf8 } from './msgpack.js';
import { encodeValue } from './values.js';

const AMOUNT_MAX = 2n ** 63n - 1n;
const SOURCE_BYTES_MAX = 128 * 1024;
const ASSET_COS = new Uint8Array(0);

/** How many blocks ahead of the head a transaction usually expires. */
export const EXPIRY_BLOCKS = 1000;

/** Return the action that moves COS. Amounts are motes: 1 COS is 100,000,000 of them. */
export function transfer(to, amount) {
  return [1, to, checkAmount(amount)];
}

/** Return the action that puts a contract on the chain. */
export function deploy(engine, source, args = [], { sent = 0n, depositMax = 0n } = {}) {
  const bytes = typeof source === 'string' ? utf8(source) : source;
  if (bytes.length > SOURCE_BYTES_MAX) throw new ChaosError('too_large', `source of ${bytes.length} bytes`);
  return [10, engine, bytes, encodeValue(args), checkAmount(sent), checkAmount(depositMax)];
}

/** Return the action that calls a method; `sent`: pairs of asset (empty: COS, else a token's id) and amount. */
export function call(contract, method, args = [], { sent = [], depositMax = 0n } = {}) {
  const ordered = sent.map(([asset, amount]) => [asset ?? ASSET_COS, checkAmount(amount)]);
  ordered.sort(([one], [other]) => compare(one, other));
  if (ordered.some(([asset], place) => place > 0 && isSame(asset, ordered[place - 1][0]))) {
    throw new ChaosError('bad_argument', 'an asset is sent twice');
  }
  return [11, contract, method, encodeValue(args), ordered, checkAmount(depositMax)];
}

/** Return the action that moves tokens; `owner`: whose, when that is not the sender. */
export function sendToken(token, to, amount, { owner = new Uint8Array(0), depositMax = 0n } = {}) {
  return [12, token, owner, to, checkAmount(amount), checkAmount(depositMax)];
}

/** Return the action that says how much of the sender's tokens another may take, until which height. */
export function approveToken(token, spender, { expected = 0n, amount, expiry, depositMax = 0n }) {
  const amounts = [checkAmount(expected), checkAmount(amount), checkAmount(expiry)];
  return [13, token, spender, ...amounts, checkAmount(depositMax)];
}

/** Return the action that destroys tokens of the sender. */
export function burnToken(token, amount) {
  return [14, token, checkAmount(amount)];
}

/** Return the same action under another bound of the deposit; what locks none is left as it is. */
export function withDeposit(action, depositMax) {
  return locksDeposit(action) ? [...action.slice(0, -1), checkAmount(depositMax)] : action;
}

/** Return whether an action may lock coins for what it adds to the state. */
export function locksDeposit(action) {
  return action[0] >= 10 && action[0] <= 13;
}

/** Return the body that is signed; `anchor`: height and id of a recent block, absent when made off line. */
export function transactionBody({ genesis, sender, nonce, expiry, gasLimit, gasPrice, actions, memo = '', anchor }) {
  if (!actions.length) throw new ChaosError('no_actions');
  const [height, id] = anchor && BigInt(anchor.height) > 0n ? [anchor.height, anchor.id] : [0n, genesis];
  const numbers = [nonce, height, expiry, gasLimit, gasPrice].map(checkAmount);
  const [nonceNumber, heightNumber, ...others] = numbers;
  return [1, genesis, sender, nonceNumber, heightNumber, id.slice(0, 8), ...others, null, memo, actions];
}

/** Return the id of a transaction, which is also what its keys sign. */
export function transactionId(body) {
  return taggedHash('tx', encode(body));
}

/** Return the id, and the bytes to submit, of a body signed with the one key of its account. */
export function signTransaction(body, key) {
  const id = transactionId(body);
  return { id, raw: encode([1, body, [key.policy, [[0, key.sign(id)]]], null]) };
}

/** Return bytes as long as the transaction will have, with zeros for the signature: to try what it costs. */
export function unsignedTransaction(body, key) {
  return encode([1, body, [key.policy, [[0, new Uint8Array(64)]]], null]);
}

function checkAmount(amount) {
  const found = typeof amount === 'number' && Number.isSafeInteger(amount) ? BigInt(amount) : amount;
  if (typeof found !== 'bigint' || found < 0n || found > AMOUNT_MAX) {
    throw new ChaosError('bad_argument', `${amount} is no amount: whole numbers from 0 to 2^63-1, as BigInt`);
  }
  return found;
}

function compare(one, other) {
  const shared = Math.min(one.length, other.length);
  for (let place = 0; place < shared; place += 1) {
    if (one[place] !== other[place]) return one[place] - other[place];
  }
  return one.length - other.length;
}
