// The same input gives the same bytes as the node's own code: `vectors.json` is written by it (make golden).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  approveToken,
  burnToken,
  call,
  checkEventProof,
  contractAddress,
  decodeValue,
  deploy,
  encodeValue,
  formatAddress,
  fromHex,
  fromJson,
  Key,
  parseAddress,
  sendToken,
  signTransaction,
  toHex,
  toJson,
  transactionBody,
  transfer,
} from '../src/index.js';
import { encode } from '../src/msgpack.js';
import { unsignedTransaction, withDeposit } from '../src/transactions.js';

const VECTORS = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'));
const GENESIS = new Uint8Array(32).fill(7);
const TIP = new Uint8Array(32).fill(9);
const TOKEN = new Uint8Array(32).fill(3);
const key = new Key(VECTORS.key.seed);
const other = parseAddress('cos', VECTORS.key.other);

function actions() {
  const args = ['text', 7n, Uint8Array.of(1)];
  const sent = [
    [TOKEN, 2n ** 63n - 1n],
    [new Uint8Array(0), 3n],
  ];
  return {
    transfer: transfer(other, 150_000_000n),
    deploy: deploy('js/1', 'contract({ api: 1 }) // é', args, { sent: 5n, depositMax: 10n ** 9n }),
    call: call(parseAddress('cos', VECTORS.contract), 'add', args, { sent, depositMax: 10n ** 10n }),
    send_token: sendToken(TOKEN, other, 12n, { depositMax: 400n }),
    take_token: sendToken(TOKEN, key.accountAddress, 12n, { owner: other, depositMax: 400n }),
    approve_token: approveToken(TOKEN, other, { expected: 1n, amount: 2n, expiry: 3000, depositMax: 4n }),
    burn_token: burnToken(TOKEN, 65_536n),
  };
}

function body(acts, height, memo) {
  const numbers = { nonce: 300, expiry: 70_000, gasLimit: 21_000, gasPrice: 0n };
  const anchor = { height, id: TIP };
  return transactionBody({ genesis: GENESIS, sender: key.accountAddress, ...numbers, actions: acts, memo, anchor });
}

test('values, both ways, in bytes and in JSON', () => {
  assert.ok(VECTORS.values.length > 10);
  for (const [json, hex] of VECTORS.values) {
    const value = fromJson(json);
    assert.equal(toHex(encodeValue(value)), hex);
    assert.deepEqual(decodeValue(fromHex(hex)), value);
    assert.deepEqual(JSON.parse(JSON.stringify(toJson(value))), json);
  }
});

test('keys and addresses', () => {
  assert.equal(toHex(key.publicKey), VECTORS.key.public_key);
  assert.equal(key.address('cos'), VECTORS.key.address);
  assert.deepEqual(parseAddress('cos', VECTORS.key.address), key.accountAddress);
  assert.equal(toHex(key.signMessage(GENESIS, 'who, é?')), VECTORS.key.message);
  const contract = contractAddress(GENESIS, key.accountAddress, 4);
  assert.equal(formatAddress('cos', contract), VECTORS.contract);
});

test('actions', () => {
  const made = actions();
  assert.deepEqual(Object.keys(made), Object.keys(VECTORS.actions));
  for (const [name, action] of Object.entries(made)) {
    assert.equal(toHex(encode(action)), VECTORS.actions[name], name);
  }
});

test('transactions on a block and off line', () => {
  for (const [given, expected] of [
    [body(Object.values(actions()), 69_000, 'é'), VECTORS.on_a_block],
    [body([actions().transfer], 0, ''), VECTORS.off_line],
  ]) {
    const { id, raw } = signTransaction(given, key);
    assert.equal(toHex(id), expected.id);
    assert.equal(toHex(raw), expected.raw);
    assert.equal(unsignedTransaction(given, key).length, raw.length);
  }
});

test('the deposit of what locks coins can be set, and of nothing else', () => {
  const { transfer: plain, call: locking, burn_token: burning } = actions();
  assert.equal(withDeposit(plain, 9n), plain);
  assert.equal(withDeposit(burning, 9n), burning);
  assert.deepEqual(withDeposit(locking, 9n), [...locking.slice(0, -1), 9n]);
});

test('an event is proved to whoever knows the block, and nothing else is', () => {
  const { block_id: blockId, ...proof } = VECTORS.proof;
  const found = checkEventProof(proof, blockId);
  assert.deepEqual(found.values, [2n, 'text']);
  assert.equal(found.name, 'Added');
  assert.equal(found.index, 2);
  assert.equal(found.height, 2 ** 33);
  assert.equal(found.transactionId, toHex(TIP));
  assert.equal(formatAddress('cos', found.contract), VECTORS.contract);
  const invalid = { code: 'proof_invalid' };
  assert.throws(() => checkEventProof(proof, TIP), invalid);
  for (const name of ['event', 'receipt', 'header']) {
    for (let place = 0; place < proof[name].length; place += 2) {
      const byte = (Number.parseInt(proof[name].slice(place, place + 2), 16) ^ 1).toString(16).padStart(2, '0');
      const changed = proof[name].slice(0, place) + byte + proof[name].slice(place + 2);
      assert.throws(() => checkEventProof({ ...proof, [name]: changed }, blockId), invalid);
    }
  }
  const { event_path: path, position } = proof;
  for (const wrong of [
    { event_path: path.slice(1) },
    { event_path: [...path, path[0]] },
    { event_path: ['xx'] },
    { event_index: 1 },
    { event_index: 5 },
    { event_index: -1 },
    { position: position + 1 },
    { receipts_count: 5 },
    { receipt: undefined },
  ]) {
    assert.throws(() => checkEventProof({ ...proof, ...wrong }, blockId), invalid, JSON.stringify(wrong));
  }
});
