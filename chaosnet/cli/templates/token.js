// @NAME@: issues a token of the chain. Holders send it without this contract; the owner may issue more.

contract({
  api: 1,
  name: '@NAME@',
  version: '0.1.0',
  licence: 'MIT',
  doc: 'Issues a token; its owner may issue more, up to a bound.',
  permissions: { issue: true },
  events: { Issued: ['to address', 'amount int'], Closed: [] },
  storage: { owner: 'value address', token: 'value text' },

  init: {
    args: ['symbol text', 'decimals int', 'supply int', 'most int'],
    run(symbol, decimals, supply, most) {
      // Rights that nobody holds at birth (freeze, pause, clawback) exist for nobody, ever.
      const id = token.create(ctx.caller, supply, { symbol, decimals, max: most, issue: ctx.self });
      store.owner.set(ctx.caller);
      store.token.set(id);
    },
  },

  methods: {
    token: {
      kind: 'view', returns: 'text', doc: "The token's id.",
      run: () => store.token.get(),
    },
    issue: {
      kind: 'write', args: ['to address', 'amount int'], doc: 'Owner: make more of the token.',
      run(to, amount) {
        ensure(ctx.caller === store.owner.get(), 'only the owner issues');
        token.issue(store.token.get(), to, amount);
        emit('Issued', to, amount);
      },
    },
    close: {
      kind: 'write', doc: 'Owner: give up the right to issue, for ever.',
      run() {
        ensure(ctx.caller === store.owner.get(), 'only the owner closes');
        token.rights(store.token.get(), 'renounce', { right: 'issue' });
        emit('Closed');
      },
    },
  },
});
