// What is no value, address, amount or key is refused with a code, before anything is signed.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { call, decodeValue, encodeValue, fromHex, fromJson, Key, parseAddress, toJson, transactionBody, transfer } from '../src/index.js';

const TO = new Uint8Array(33);

const nested = (depth) => (depth ? [nested(depth - 1)] : null);

test('only values of contracts are encoded', () => {
  for (const wrong of [
    1, 1.5, NaN, undefined, Symbol('a'), () => 1, new Date(), new Uint16Array(1), [undefined], [, 1], 2n ** 63n,
    -(2n ** 63n) - 1n, '\ud800', 'a\udc00b', { '\ud800': 1n }, new Map([[1n, 1n]]), nested(17), { a: 1 },
  ]) {
    assert.throws(() => encodeValue(wrong), { code: 'malformed' });
    assert.throws(() => toJson(wrong), { code: 'malformed' });
  }
  assert.throws(() => encodeValue(7), /write 7n/);
  assert.throws(() => encodeValue('a'.repeat(16_384)), { code: 'too_large' });
  assert.equal(encodeValue(nested(16)).length, 17);
  assert.deepEqual(encodeValue(new Map([['b', 1n], ['a', 2n]])), encodeValue({ a: 2n, b: 1n }));
});

test('only canonical bytes are decoded', () => {
  for (const hex of ['', '91', 'c1', 'd9', 'c10000', '0000', 'cb0000000000000000', 'd40000', 'a1ff', 'cfffffffffffffffff', '81c0c0', '82a161c0a161c0', 'd90161'.repeat(2)]) {
    assert.throws(() => decodeValue(fromHex(hex)), { code: 'malformed' }, hex);
  }
  for (const hex of ['cc01', 'cd0001', 'd0ff', 'd001', 'd90161', 'dc0000', 'de0000', 'c500020000', '82a162c0a161c0']) {
    assert.throws(() => decodeValue(fromHex(hex)), { code: 'not_canonical' }, hex);
  }
  assert.throws(() => decodeValue(fromHex('91'.repeat(17) + 'c0')), { code: 'malformed' });
});

test('JSON that stands for no value', () => {
  for (const wrong of [1.5, 2 ** 53, { $int: '1.5' }, { $int: 1 }, { $int: '1', more: 1 }, { $bytes: 'a' }, { $x: 1 }, { $map: [[1, 2]] }, { $map: [['a', 1], ['a', 2]] }, undefined]) {
    assert.throws(() => fromJson(wrong), { code: 'bad_argument' }, JSON.stringify(wrong));
  }
  assert.equal(Object.getPrototypeOf(fromJson(JSON.parse('{"__proto__": {"a": 1}}'))), null);
});

test('addresses of another network, mistyped, or of no kind', () => {
  const address = new Key('11'.repeat(32)).address('cos');
  for (const wrong of [address.slice(0, -1), address.replace('1q', '1p'), `${address}q`, 'cos1', '', address.replace('cos', 'tst')]) {
    assert.throws(() => parseAddress('cos', wrong), { code: 'bad_address' }, wrong);
  }
  assert.throws(() => parseAddress('tst', address), /begins with 'cos'/);
  assert.equal(parseAddress('cos', address.toUpperCase()).length, 33);
});

test('keys show no secret by accident', () => {
  const key = new Key('11'.repeat(32));
  assert.ok(!JSON.stringify({ key }).includes('1111'));
  assert.equal(key.seed, undefined);
  const taken = key.exportSeed();
  taken.fill(0);
  assert.deepEqual(key.exportSeed(), new Uint8Array(32).fill(0x11));
  for (const wrong of ['', '11', 'xy'.repeat(32), new Uint8Array(31), undefined]) {
    assert.throws(() => new Key(wrong), { code: 'bad_argument' });
  }
  assert.notDeepEqual(Key.random().publicKey, Key.random().publicKey);
});

test('amounts and actions out of bounds', () => {
  for (const wrong of [-1n, 2n ** 63n, 1.5, 2 ** 53, '1', undefined]) {
    assert.throws(() => transfer(TO, wrong), { code: 'bad_argument' });
  }
  const cos = new Uint8Array(0);
  assert.throws(() => call(TO, 'a', [], { sent: [[cos, 1n], [cos, 2n]] }), { code: 'bad_argument' });
  assert.throws(() => call(TO, 'a', [1]), /write 1n/);
  const fields = { genesis: TO, sender: TO, nonce: 0, expiry: 1, gasLimit: 1, gasPrice: 1, actions: [] };
  assert.throws(() => transactionBody(fields), { code: 'no_actions' });
});
