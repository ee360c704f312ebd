// What the attacks through the ledger call; rogue.lua is the same in Lua.
contract({ api: 1, name: 'Rogue', version: '1', licence: 'MIT',
  permissions: { call: 'any', transfer: ['COS'] },
  events: { Big: ['data bytes'], Seen: ['n int'] },
  storage: { n: 'counter', many: 'map int int', any: 'value any', texts: 'map text int' },
  init: { args: ['n int'], kind: 'payable', run(n) { store.n.set(n) } },
  methods: {
    spin: { kind: 'write', run() { for (;;); } },
    writes: { kind: 'write', run() { for (let i = 1n; ; i++) try { store.many.set(i, i) } catch {} } },
    tried: { kind: 'write', args: ['at address', 'method text'], returns: 'list', run(at, method) {
      store.n.add(1n)
      const before = gas_left()
      const answer = try_call(at, method, [], { fuel: 2000000n })
      return [answer.ok, answer.code ?? '', before - gas_left() < 60000n]
    } },
    calls: { kind: 'write', args: ['at address', 'method text'], run(at, method) { call(at, method) } },
    swallows: { kind: 'write', args: ['at address', 'method text'], run(at, method) {
      store.n.add(1n)
      try { call(at, method) } catch {} finally {
        for (let i = 0; i < 100; i++) try { store.n.add(1n) } catch {}
        return 1n
      }
    } },
    hop: { kind: 'write', args: ['path list', 'last text'], returns: 'any', run(path, last) {
      store.n.add(1n)
      const next = path.shift()
      if (next === undefined) return 1n
      if (path.length === 0 && last === 'try') return try_call(next, 'hop', [path, last]).code
      const answer = call(next, 'hop', [path, last])
      return last === 'try' ? answer : 1n + answer
    } },
    back: { kind: 'write', args: ['via address', 'method text'], returns: 'any', run(via, method) {
      store.n.add(10n)
      const got = call(via, 'calls_back', [ctx.self, method])
      return [got, store.n.get()]
    } },
    calls_back: { kind: 'write', args: ['at address', 'method text'], returns: 'any',
      run: (at, method) => call(at, method) },
    closed: { kind: 'write', returns: 'int', run: () => store.n.add(1n) },
    open: { kind: 'write', returns: 'int', reentrant: true, run: () => store.n.add(1n) },
    look: { kind: 'view', returns: 'int', run: () => store.n.get() },
    big_event: { kind: 'write', run() { emit('Big', bytes('x'.repeat(4096))) } },
    many_events: { kind: 'write', run() { for (let i = 1n; i <= 65n; i++) emit('Seen', i) } },
    big_entry: { kind: 'write', run() { store.any.set('x'.repeat(16382)) } },
    big_key: { kind: 'write', run() { store.texts.set('x'.repeat(130), 1n) } },
    big_return: { kind: 'write', run: () => 'x'.repeat(16382) },
    most: { kind: 'write', run() { store.any.set('x'.repeat(16381)); return 'x'.repeat(16381) } },
    sends: { kind: 'write', args: ['to address', 'amount int'], run(to, amount) { transfer(to, amount) } },
    undone: { kind: 'write', args: ['at address', 'to address'], returns: 'list', run(at, to) {
      store.n.set(1n)
      const answer = try_call(at, 'moves_and_fails', [to])
      return [answer.ok, answer.code, answer.text, store.n.get(), balance(to)]
    } },
    moves_and_fails: { kind: 'write', args: ['to address'], run(to) {
      store.n.set(77n); store.many.set(1n, 1n); transfer(to, 5n); emit('Seen', 1n); revert('as planned')
    } },
  } })
