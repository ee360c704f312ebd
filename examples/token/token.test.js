let gold, id;
before_each(() => {
  gold = chain.deploy('token.js', ['GOLD', 2n, 1000n, 1500n]);
  id = gold.token();
});

test('the owner begins with the supply', () => {
  expect(chain.balance('alice', id)).equals(1000n);
  const info = gold.info();
  expect(info.supply).equals(1000n);
  expect(info.freeze).is_nil();
  expect(info.clawback).is_nil();
});

test('only the owner issues, and never over the most', () => {
  gold.issue(accounts.bob, 500n);
  expect_event('Issued', accounts.bob, 500n);
  expect_revert('supply', () => gold.issue(accounts.bob, 1n));
  expect_revert('only the owner', () => gold.with({ as: 'bob' }).issue(accounts.bob, 1n));
});

test('holders send without the contract', () => {
  chain.transfer('bob', 300n, id);
  expect(chain.balance('bob', id)).equals(300n);
});

test('burning takes what was sent', () => {
  expect(gold.with({ sent: { [id]: 400n } }).burn()).equals(400n);
  expect(gold.info().supply).equals(600n);
  expect_revert('send some of the token', () => gold.burn());
});

test('the treasury pays, allows and collects', () => {
  chain.transfer(gold.address, 500n, id);
  gold.pay(accounts.bob, 200n);
  gold.allow(accounts.carol, 0n, 50n, chain.height() + 10n);
  chain.as('bob', () => chain.approve(id, gold.address, 0n, 20n, chain.height() + 10n));
  gold.collect(accounts.bob, 20n);
  expect(chain.balance('bob', id)).equals(180n);
  expect(chain.balance(gold.address, id)).equals(320n);
});

test('a closed token never grows again', () => {
  gold.close();
  expect_revert('not_holder', () => gold.issue(accounts.bob, 1n));
});

test('another owner takes over', () => {
  gold.hand_on(accounts.bob);
  expect_revert('only the owner', () => gold.close());
  gold.with({ as: 'bob' }).close();
});
