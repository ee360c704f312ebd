// @NAME@: anybody adds to it, and it remembers who added how much.

contract({
  api: 1,
  name: '@NAME@',
  version: '0.1.0',
  licence: 'MIT',
  doc: 'Adds up what people add.',
  events: { Added: ['by address', 'amount int', 'total int'] },
  storage: { total: 'counter', by: 'map address int' },

  init: {
    args: ['start int'],
    run(start) {
      ensure(start >= 0n, 'start below zero');
      store.total.set(start);
    },
  },

  methods: {
    add: {
      kind: 'write', args: ['amount int'], returns: 'int',
      doc: 'Add 1 to 1,000 and return the new total.',
      run(amount) {
        ensure(amount >= 1n && amount <= 1000n, 'add 1 to 1000');
        const total = store.total.add(amount);
        store.by.add(ctx.caller, amount);
        emit('Added', ctx.caller, amount, total);
        return total;
      },
    },
    total: {
      kind: 'view', returns: 'int', doc: 'The sum of everything.',
      run: () => store.total.get(),
    },
    added_by: {
      kind: 'view', args: ['who address'], returns: 'int', doc: 'What one address has added.',
      run: (who) => store.by.get(who) ?? 0n,
    },
  },
});
