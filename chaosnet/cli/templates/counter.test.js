let counter;
before_each(() => { counter = chain.deploy('@FILE@', [5n]); });

test('it adds up and remembers who', () => {
  expect(counter.with({ as: 'bob' }).add(10n)).equals(15n);
  expect_event('Added', accounts.bob, 10n, 15n);
  expect(counter.added_by(accounts.bob)).equals(10n);
  expect(counter.added_by(accounts.carol)).equals(0n);
});

test('it refuses amounts out of bounds', () => {
  expect_revert('add 1 to 1000', () => counter.add(0n));
  expect_revert('start below zero', () => chain.deploy('@FILE@', [-1n]));
  expect(counter.total()).equals(5n);
});

test('any amount in bounds is counted', ['amount int 1..1000', 'who address'], (amount, who) => {
  expect(counter.with({ as: who }).add(amount)).equals(5n + amount);
});
