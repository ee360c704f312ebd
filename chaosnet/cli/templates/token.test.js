let gold, id;
before_each(() => {
  gold = chain.deploy('@FILE@', ['GOLD', 2n, 1000n, 1500n]);
  id = gold.token();
});

test('the owner begins with the supply, and sends without the contract', () => {
  expect(chain.balance('alice', id)).equals(1000n);
  chain.transfer('bob', 300n, id);
  expect(chain.balance('bob', id)).equals(300n);
});

test('only the owner issues, and never over the most', () => {
  gold.issue(accounts.bob, 500n);
  expect_event('Issued', accounts.bob, 500n);
  expect_revert('supply', () => gold.issue(accounts.bob, 1n));
  expect_revert('only the owner', () => gold.with({ as: 'bob' }).issue(accounts.bob, 1n));
});

test('a closed token never grows again', () => {
  gold.close();
  expect_revert('not_holder', () => gold.issue(accounts.bob, 1n));
});
