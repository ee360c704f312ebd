// A pool of two assets, one of them possibly COS: whoever adds both owns a share of it, and whoever gives one
// takes the other at a price such that the product of both reserves never falls.
//
// What the pool owes is what its own books say, never what it happens to hold: a gift changes no price and no
// share. Every division is rounded against whoever asks.

const WHOLE = 10000n; // fees are ten-thousandths
const LOCKED = 1000n; // shares of the first deposit that nobody ever gets: one share never becomes worth much

function checkDeadline(deadline) {
  ensure(ctx.height <= deadline, 'the deadline has passed');
}

// An asset that somebody may freeze or take back is no ground for a pool, unless its maker said so.
function checkAsset(asset, acceptsRights) {
  if (asset === 'COS') return;
  const known = ensure(token.info(asset), 'no such token');
  const isFree = known.freeze === null && known.clawback === null;
  ensure(isFree || acceptsRights, 'somebody may freeze or take back this token');
}

// How much of both assets came with the call; others would be lost in here.
function received() {
  const a = store.asset_a.get(), b = store.asset_b.get();
  for (const asset in ctx.sent) ensure(asset === a || asset === b, 'the pool does not take this asset');
  return [ctx.sent[a] ?? 0n, ctx.sent[b] ?? 0n];
}

function pay(to, amount, asset) {
  if (amount > 0n) transfer(to, amount, asset);
}

// What `amount` of the asset with the reserve `from` brings of the one with the reserve `to`.
// With f = given less the fee: out <= to * f / (from + f), hence (from + amount) * (to - out) >= from * to.
function bought(amount, from, to) {
  const paid = int.muldiv(amount, int.sub(WHOLE, store.fee.get()), WHOLE, 'down');
  return int.muldiv(to, paid, int.add(from, paid), 'down');
}

contract({
  api: 1,
  name: 'Pool',
  version: '1.0.0',
  licence: 'Apache-2.0',
  doc: 'Swaps two assets; the product of the reserves never falls.',
  permissions: { transfer: 'any' }, // the assets are chosen at deployment
  events: {
    Added: ['by address', 'a int', 'b int', 'shares int'],
    Removed: ['by address', 'a int', 'b int', 'shares int'],
    Swapped: ['by address', 'given text', 'amount int', 'taken int'],
  },
  storage: {
    asset_a: 'value text', asset_b: 'value text', fee: 'value int',
    reserve_a: 'counter', reserve_b: 'counter',
    shares: 'counter', of: 'map address int',
  },

  init: {
    args: ['asset_a text', 'asset_b text', 'fee int', 'accepts_rights bool?'],
    run(assetA, assetB, fee, acceptsRights) {
      ensure(assetA !== assetB, 'two different assets');
      ensure(fee >= 0n && fee <= 1000n, 'a fee is 0 to 1000 ten-thousandths');
      checkAsset(assetA, acceptsRights);
      checkAsset(assetB, acceptsRights);
      store.asset_a.set(assetA);
      store.asset_b.set(assetB);
      store.fee.set(fee);
    },
  },

  methods: {
    add: {
      kind: 'payable', args: ['min_shares int', 'deadline int'], returns: 'int',
      doc: 'Add both assets and get shares; what is too much of one comes back.',
      run(minShares, deadline) {
        checkDeadline(deadline);
        const [a, b] = received();
        ensure(a > 0n && b > 0n, 'send both assets');
        const total = store.shares.get();
        let shares, usedA = a, usedB = b;
        if (total === 0n) {
          shares = int.mul(int.sqrt(a), int.sqrt(b)) - LOCKED;
          store.shares.add(LOCKED);
        } else {
          const reserveA = store.reserve_a.get(), reserveB = store.reserve_b.get();
          const forA = int.muldiv(a, total, reserveA, 'down'), forB = int.muldiv(b, total, reserveB, 'down');
          shares = forA < forB ? forA : forB;
          usedA = int.muldiv(shares, reserveA, total, 'up');
          usedB = int.muldiv(shares, reserveB, total, 'up');
        }
        ensure(shares > 0n && shares >= minShares, 'too few shares');
        store.reserve_a.add(usedA);
        store.reserve_b.add(usedB);
        store.shares.add(shares);
        store.of.add(ctx.caller, shares);
        pay(ctx.caller, a - usedA, store.asset_a.get());
        pay(ctx.caller, b - usedB, store.asset_b.get());
        emit('Added', ctx.caller, usedA, usedB, shares);
        return shares;
      },
    },
    remove: {
      kind: 'write', args: ['shares int', 'min_a int', 'min_b int', 'deadline int'], returns: 'list',
      doc: 'Give up shares and get their part of both assets.',
      run(shares, minA, minB, deadline) {
        checkDeadline(deadline);
        ensure(shares > 0n, 'no shares');
        const total = store.shares.get();
        store.of.sub(ctx.caller, shares); // reverts when there are not so many
        const a = int.muldiv(shares, store.reserve_a.get(), total, 'down');
        const b = int.muldiv(shares, store.reserve_b.get(), total, 'down');
        ensure(a >= minA && b >= minB, 'too little comes out');
        store.shares.sub(shares);
        store.reserve_a.sub(a);
        store.reserve_b.sub(b);
        if (store.of.get(ctx.caller) === 0n) store.of.delete(ctx.caller);
        pay(ctx.caller, a, store.asset_a.get());
        pay(ctx.caller, b, store.asset_b.get());
        emit('Removed', ctx.caller, a, b, shares);
        return [a, b];
      },
    },
    swap: {
      kind: 'payable', args: ['min_out int', 'deadline int'], returns: 'int',
      doc: 'Give one asset and take the other, at least `min_out` of it.',
      run(minOut, deadline) {
        checkDeadline(deadline);
        const [a, b] = received();
        ensure(a > 0n !== b > 0n, 'send one of the two assets');
        let from = store.reserve_a, to = store.reserve_b;
        let given = store.asset_a.get(), taken = store.asset_b.get();
        if (b > 0n) [from, to, given, taken] = [to, from, taken, given];
        const amount = a + b;
        const out = bought(amount, from.get(), to.get());
        ensure(out > 0n && out >= minOut, 'too little comes out');
        from.add(amount);
        to.sub(out);
        transfer(ctx.caller, out, taken);
        emit('Swapped', ctx.caller, given, amount, out);
        return out;
      },
    },
    sync: {
      kind: 'write', doc: 'After somebody took from the pool by right: promise no more than there is.',
      run() {
        for (const [asset, reserve] of [[store.asset_a, store.reserve_a], [store.asset_b, store.reserve_b]]) {
          const held = balance(ctx.self, asset.get());
          if (held < reserve.get()) reserve.set(held);
        }
      },
    },
    quote: {
      kind: 'view', args: ['given text', 'amount int'], returns: 'int',
      doc: 'What a swap of so much of an asset would bring now.',
      run(given, amount) {
        ensure(amount > 0n, 'an amount above zero');
        const a = store.reserve_a.get(), b = store.reserve_b.get();
        if (given === store.asset_a.get()) return bought(amount, a, b);
        ensure(given === store.asset_b.get(), 'the pool does not take this asset');
        return bought(amount, b, a);
      },
    },
    state: {
      kind: 'view', returns: 'map', doc: 'Assets, reserves, fee, and the sum of all shares.',
      run: () => ({
        asset_a: store.asset_a.get(), asset_b: store.asset_b.get(), fee: store.fee.get(),
        reserve_a: store.reserve_a.get(), reserve_b: store.reserve_b.get(), shares: store.shares.get(),
      }),
    },
    shares_of: {
      kind: 'view', args: ['who address'], returns: 'int', doc: 'Shares of one address.',
      run: (who) => store.of.get(who) ?? 0n,
    },
  },
});
