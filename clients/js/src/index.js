/** Keys, transactions, contracts and events of a chaosnet node. */
export { contractAddress, formatAddress, parseAddress } from './addresses.js';
export { Client } from './client.js';
export { ChaosError } from './errors.js';
export { fromHex, taggedHash, toHex } from './hashing.js';
export { Key } from './keys.js';
export { checkEventProof } from './proofs.js';
export {
  approveToken,
  burnToken,
  call,
  deploy,
  sendToken,
  signTransaction,
  transactionBody,
  transactionId,
  transfer,
} from './transactions.js';
export { decodeValue, encodeValue, fromJson, toJson } from './values.js';
export { Wallet } from './wallet.js';
