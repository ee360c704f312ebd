// Answers, failures and streams of a node that is not there: what the client makes of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client } from '../src/index.js';
import { EventParser } from '../src/stream.js';

function answering(...answers) {
  const asked = [];
  const fetch = async (address, options) => {
    asked.push({ address, ...options });
    const next = answers.length > 1 ? answers.shift() : answers[0];
    if (next instanceof Error) throw next;
    return next(options);
  };
  return { client: new Client('http://node/', { fetch }), asked };
}

const json = (value, status = 200, headers = {}) => () => new Response(JSON.stringify(value), { status, headers });

function streamed(...chunks) {
  return () => new Response(new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  }));
}

const said = (id, ...names) => {
  const events = names.map((name) => ({ contract: 'cos1c', name, values: [1, { $int: '9007199254740992' }], index: 0 }));
  return `id: ${id}\nevent: said\ndata: ${JSON.stringify({ event: 'said', height: 1, events })}\n\n`;
};

test('a question gives exact values, or throws what the contract said', async () => {
  const { client, asked } = answering(json({ code: 'ok', value: { $int: '9223372036854775807' } }), json({ code: 'reverted', text: 'no' }));
  assert.equal(await client.query('cos1c', 'a', [1n, Uint8Array.of(255)]), 2n ** 63n - 1n);
  assert.equal(asked[0].address, 'http://node/v1/contracts/cos1c/query');
  assert.deepEqual(JSON.parse(asked[0].body).args, [1, { $bytes: 'ff' }]);
  await assert.rejects(client.query('cos1c', 'a'), { code: 'reverted', detail: 'no' });
});

test('problem documents and broken connections have codes', async () => {
  const { client } = answering(json({ code: 'not_found', detail: 'x' }, 404), json({ code: 'overloaded' }, 503, { 'retry-after': '7' }), () => new Response('<html>', { status: 502 }), new TypeError('fetch failed'), () => new Response('<html>'));
  await assert.rejects(client.transaction('a/b'), { code: 'not_found', status: 404, retryAfterMs: undefined });
  await assert.rejects(client.status(), { code: 'overloaded', retryAfterMs: 7000 });
  await assert.rejects(client.status(), { code: 'connection', status: 502 });
  await assert.rejects(client.status(), { code: 'connection', retryAfterMs: 1000 });
  await assert.rejects(client.status(), { code: 'malformed' });
});

test('parts of addresses cannot leave their place', async () => {
  const { client, asked } = answering(json({ entries: [] }));
  await client.storage('../a?b', { prefix: ['x&y', 1n], limit: 5 });
  assert.equal(asked[0].address, 'http://node/v1/contracts/..%2Fa%3Fb/storage?prefix=%5B%22x%26y%22%2C1%5D&limit=5');
});

test('waiting ends when it is final, and says when the time is over', async () => {
  const found = (status) => json({ status, events: [], returns: [{ $bytes: '00' }] });
  const { client, asked } = answering(json({ code: 'not_found' }, 404), found('pending'), found('included'), found('final'));
  assert.deepEqual((await client.waitForTransaction('aa')).returns, [Uint8Array.of(0)]);
  assert.equal(asked.length, 4);
  const early = answering(found('included')).client;
  assert.equal((await early.waitForTransaction('aa', { until: 'included' })).status, 'included');
  await assert.rejects(early.waitForTransaction('aa', { timeoutMs: 1 }), { code: 'timeout' });
});

test('a stream that breaks goes on where it stood', async () => {
  const { client, asked } = answering(streamed('retry: 1\nid: 4\n\n', said(5, 'A').slice(0, 30), said(5, 'A').slice(30), said(6, 'B')), json({ code: 'overloaded' }, 503, { 'retry-after': '0' }), streamed(said(7, 'A', 'B')));
  const heard = [];
  for await (const event of client.listen({ name: 'A' })) {
    heard.push(event.values);
    if (heard.length === 2) break;
  }
  assert.deepEqual(heard, [[1n, 2n ** 53n], [1n, 2n ** 53n]]);
  assert.deepEqual(asked.map(({ address }) => address.replace('http://node/v1/stream', '')), ['?kinds=said', '?after=6&kinds=said', '?after=6&kinds=said']);
  assert.ok(asked.at(-1).signal.aborted, 'the connection is given back');
});

test('a stream ends with its signal, and with what would not get better', async () => {
  const stop = new AbortController();
  const { client } = answering(streamed(said(1, 'A')), (options) => new Promise((_, reject) => {
    options.signal.addEventListener('abort', () => reject(options.signal.reason));
  }));
  let count = 0;
  for await (const event of client.stream({ signal: stop.signal })) {
    assert.equal(event.id, '1');
    count += 1;
    stop.abort();
  }
  assert.equal(count, 1);
  const refused = answering(json({ code: 'bad_argument' }, 400)).client.stream();
  await assert.rejects(refused.next(), { code: 'bad_argument' });
});

test('events are the same however their bytes are cut', () => {
  const text = 'retry: 20\r\nid: 1\r\n\r\n:\n\nevent: a\ndata: é1\ndata:  2\nid: 2\n\ndata\n\nevent: c\n\n';
  const bytes = new TextEncoder().encode(text);
  const expected = [{ name: 'a', data: 'é1\n 2', id: '2' }, { name: 'message', data: '', id: '2' }];
  for (let size = 1; size <= bytes.length; size += 1) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...parser.feed(bytes.slice(at, at + size)));
    assert.deepEqual(found, expected, `in pieces of ${size}`);
    assert.equal(parser.retryMs, 20);
    assert.equal(parser.lastId, '2');
  }
});
