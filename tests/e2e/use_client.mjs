// What somebody does with the JavaScript client, on a node named on standard input; tells it on standard output.
import { readFileSync } from 'node:fs';

import { checkEventProof, Client, Key, toHex, transfer, Wallet } from '../../clients/js/src/index.js';

const given = JSON.parse(readFileSync(0, 'utf8'));
const client = new Client(given.url);
const key = new Key(given.seed);
const wallet = new Wallet(client, key);
const friend = new Wallet(client, Key.random());
const told = {};

async function failure(promise) {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return [error.code, error.detail];
  }
}

const own = await wallet.address();
const to = await friend.address();
const before = await wallet.balance();
const moved = await wallet.transfer(to, 150_000_000n, { memo: 'é' });
const tried = await wallet.estimate([transfer(key.accountAddress, 1n)]);
told.transfer = [await friend.balance(), before - (await wallet.balance()) - moved.fee, moved.status, tried.code];
told.transfer_refused = await failure(friend.transfer(own, 10n ** 12n));

told.contracts = {};
for (const [engine, source] of Object.entries(given.counters)) {
  const expected = await wallet.nextContract();
  const { value: counter } = await wallet.deploy(engine, source, [5n]);
  const stop = new AbortController();
  const heard = (async () => {
    for await (const event of client.listen({ contract: counter, name: 'Added', signal: stop.signal })) {
      return [event.values, event.tx_id];
    }
    return undefined;
  })();
  // The stream tells what comes after it was opened: the node says 'block' once it is.
  for await (const event of client.stream({ kinds: ['block'] })) if (event.id) break;
  const done = await wallet.call(counter, 'add', [7n]);
  const giveUp = setTimeout(() => stop.abort(), 20_000);
  const [heardValues, heardId] = (await heard) ?? [];
  clearTimeout(giveUp);
  const together = await Promise.all([1n, 2n, 3n].map((n) => wallet.call(counter, 'add', [n])));
  const listed = await client.events({ contract: counter, name: 'Added' });
  const proof = await client.eventProof(done.id, 0);
  const { summary } = await client.block(done.height);
  const proved = checkEventProof(proof, summary.id);
  told.contracts[engine] = {
    expected: expected === counter,
    added: [done.value, done.code, done.events[0].values],
    heard: [heardValues, heardId === done.id],
    together: together.map(({ value }) => value),
    total: await wallet.query(counter, 'total'),
    added_by: await client.query(counter, 'added_by', [own]),
    reverted: await failure(wallet.call(counter, 'add', [1001n])),
    static: await failure(wallet.query(counter, 'add', [1n])),
    no_method: await failure(wallet.call(counter, 'none')),
    entry: (await client.storageEntry(counter, ['by', own])).value,
    events: listed.events.map(({ values }) => values[1]),
    proved: [proved.values, proved.transactionId === done.id, toHex(proved.contract).slice(0, 2)],
    name: (await client.contract(counter)).summary.name,
  };
}

const token = await wallet.deploy('js/1', given.token, ['JSC', 2n, 1000n, 5000n]);
const id = token.events[0].values[0];
const sent = await wallet.sendToken(id, to, 30n);
const { holdings } = await client.tokenHolders(id);
told.token = [sent.code, Object.fromEntries(holdings.map(({ holder, amount }) => [holder, amount]))[to]];
told.sent_to_contract = await failure(wallet.call(token.value, 'issue', [own, 5n], { sent: { COS: 1n } }));

console.log(JSON.stringify(told, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)));
process.exit(0);
