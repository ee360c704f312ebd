/** Events checked against a block that is trusted: the node that answered is not believed. */
import { ChaosError } from './errors.js';
import { checkMerkleProof, fromHex, isSame, taggedHash, toHex } from './hashing.js';
import { decode } from './msgpack.js';
import { decodeValue } from './values.js';

/** Places of fields in the canonical bytes of a header and a receipt. */
const HEADER = { height: 4, receiptsRoot: 13 };
const RECEIPT = { txId: 1, eventsRoot: 6 };

/**
 * Return the event that a node's proof shows to be in the block with this id:
 * {transactionId, index, contract (33 bytes), name, values, height}. Throws ChaosError('proof_invalid').
 * Whether that block is the chain's must be known: from one's own node, or from several independent ones.
 */
export function checkEventProof(proof, blockId) {
  try {
    return eventOf(proof, typeof blockId === 'string' ? fromHex(blockId) : blockId);
  } catch (cause) {
    if (cause instanceof ChaosError && cause.code === 'proof_invalid') throw cause;
    throw new ChaosError('proof_invalid', cause.message, { cause });
  }
}

function eventOf(proof, blockId) {
  const headerBytes = fromHex(proof.header);
  if (!isSame(taggedHash('header', headerBytes), blockId)) throw new ChaosError('proof_invalid', 'header of another block');
  const header = decode(headerBytes);
  const receiptBytes = fromHex(proof.receipt);
  const receiptPath = proof.receipt_path.map(fromHex);
  checkMerkleProof(header[HEADER.receiptsRoot], receiptBytes, proof.position, proof.receipts_count, receiptPath);
  const receipt = decode(receiptBytes);
  const eventBytes = fromHex(proof.event);
  const eventPath = proof.event_path.map(fromHex);
  checkMerkleProof(receipt[RECEIPT.eventsRoot], eventBytes, proof.event_index, proof.events_count, eventPath);
  const [, contract, name, values, index] = decode(eventBytes);
  return {
    transactionId: toHex(receipt[RECEIPT.txId]),
    index: Number(index),
    contract,
    name,
    values: decodeValue(values),
    height: Number(header[HEADER.height]),
  };
}
