let pool, gold, last;
const FAR = 1_000_000n; // a height that no test reaches

before_each(() => {
  gold = chain.deploy('../token/token.js', ['GOLD', 0n, 1_000_000_000n, 1_000_000_000n]).token();
  chain.transfer('bob', 400_000_000n, gold);
  pool = chain.deploy('pool.js', ['COS', gold, 30n]);
  pool.with({ sent: { COS: 1_000_000n, [gold]: 4_000_000n } }).add(1n, FAR);
  last = null;
});

test('shares stand for a part of both', () => {
  const bobs = pool.with({ as: 'bob', sent: { COS: 500_000n, [gold]: 9_000_000n } });
  expect(bobs.add(1n, FAR)).equals(1_000_000n);
  expect(chain.balance('bob', gold)).equals(400_000_000n - 2_000_000n); // what was too much came back
  expect(pool.with({ as: 'bob' }).remove(1_000_000n, 1n, 1n, FAR)).equals([500_000n, 2_000_000n]);
});

test('a swap brings what was quoted, and not less than was asked for', () => {
  const quoted = pool.quote('COS', 10_000n);
  const paying = pool.with({ as: 'bob', sent: { COS: 10_000n } });
  expect_revert('too little comes out', () => paying.swap(quoted + 1n, FAR));
  expect_revert('deadline', () => paying.swap(quoted, chain.height()));
  expect(paying.swap(quoted, FAR)).equals(quoted);
  expect_event('Swapped', accounts.bob, 'COS', 10_000n, quoted);
});

test('gifts change nothing', () => {
  const before = pool.state();
  chain.transfer(pool.address, 1_000_000n, gold);
  pool.sync();
  expect(pool.state()).equals(before);
});

test('it takes nothing but its assets', () => {
  const other = chain.deploy('../token/token.js', ['OTHER', 0n, 100n, 100n]).token();
  expect_revert('does not take', () => pool.with({ sent: { [other]: 5n } }).swap(1n, FAR));
  expect_revert('does not take', () => pool.quote(other, 5n));
  expect(pool.quote(gold, 10_000n)).above(0n);
});

test('there and back never pays', ['amount int 1..100000000'], (amount) => {
  const there = chain.call(pool, 'swap', [1n, FAR], { as: 'bob', sent: { COS: amount } });
  if (there.code !== 'ok') return;
  const back = chain.call(pool, 'swap', [1n, FAR], { as: 'bob', sent: { [gold]: there.value } });
  if (back.code === 'ok') expect(back.value).at_most(amount);
});

action('swap', ['amount int 1..10000000', 'coins bool'], (amount, coins) => {
  pool.with({ sent: { [coins ? 'COS' : gold]: amount } }).swap(1n, FAR);
});
action('add', ['coins int 1..10000000', 'tokens int 1..10000000'], (coins, tokens) => {
  pool.with({ sent: { COS: coins, [gold]: tokens } }).add(1n, FAR);
});
action('remove', ['shares int 1..1000000'], (shares) => pool.remove(shares, 0n, 0n, FAR));

invariant('a share never stands for less', () => {
  const now = pool.state();
  if (last) { // what the old shares stand for now, against what they stood for
    const worth = (state) => state.reserve_a * state.reserve_b;
    expect(worth(now) * last.shares ** 2n).at_least(worth(last) * now.shares ** 2n);
  }
  last = now;
  expect(chain.balance(pool.address, gold)).at_least(now.reserve_b);
  expect(chain.balance(pool.address)).at_least(now.reserve_a);
});
