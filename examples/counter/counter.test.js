let counter;
before_each(() => { counter = chain.deploy('counter.js', [5n]); });

test('it adds up and remembers who', () => {
  expect(counter.add(3n)).equals(8n);
  expect(counter.with({ as: 'bob' }).add(10n)).equals(18n);
  expect_event('Added', accounts.bob, 10n, 18n);
  expect(counter.total()).equals(18n);
  expect(counter.added_by(accounts.bob)).equals(10n);
  expect(counter.added_by(accounts.carol)).equals(0n);
});

test('it refuses amounts out of bounds', () => {
  expect_revert('add 1 to 1000', () => counter.add(0n));
  expect_revert('add 1 to 1000', () => counter.add(1001n));
  expect_revert('start below zero', () => chain.deploy('counter.js', [-1n]));
  expect(counter.total()).equals(5n);
});

test('pages follow each other', () => {
  for (const who of ['alice', 'bob', 'carol']) counter.with({ as: who }).add(7n);
  const first = counter.page(2n);
  const rest = counter.page(2n, first[1][0]);
  expect(first.length).equals(2);
  expect(rest.length).equals(1);
});

test('any amount in bounds is counted', ['amount int 1..1000', 'who address'], (amount, who) => {
  expect(counter.with({ as: who }).add(amount)).equals(5n + amount);
  expect(counter.added_by(who)).equals(amount);
});

test('adding stays cheap', () => {
  counter.add(1n);
  expect_gas_below(65_000n, () => counter.add(1n));
});

invariant('the total is the sum of what everybody added', () => {
  let sum = 5n;
  for (const [, amount] of counter.page(100n)) sum += amount;
  expect(counter.total()).equals(sum);
});
