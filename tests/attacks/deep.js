// Recursion of every kind, at the end of a path of calls; deep.lua is the same in Lua.
let deepest = 0;
const nested = (n) => { let t = []; for (let i = 0; i < n; i++) t = [t]; return t; };
const kinds = {
  plain: () => { const f = (n) => { deepest = n; return 1 + f(n + 1); }; f(1); },
  sort: () => { const f = (n) => { deepest = n; [2, 1].sort(() => f(n + 1)); }; f(1); },
  replace: () => { const f = (n) => { deepest = n; 'x'.replace('x', () => f(n + 1)); }; f(1); },
  getter: () => { const o = { get x() { deepest++; return this.x; } }; o.x; },
  proxy: () => { const p = new Proxy({}, { get: (t, name, self) => { deepest++; return self[name]; } }); p.x; },
  text: () => { const o = { toString() { deepest++; return `${o}`; } }; `${o}`; },
  generators: () => { const f = (n) => { deepest = n; (function* () { f(n + 1); })().next(); }; f(1); },
  apply: () => { const f = (n) => { deepest = n; Reflect.apply(f, null, [n + 1]); }; f(1); },
  parse: () => JSON.parse('['.repeat(9000) + ']'.repeat(9000)),
  stringify: () => JSON.stringify(nested(9000)),
  flat: () => nested(9000).flat(Infinity),
  regexp: () => new RegExp('(?:'.repeat(9000) + ')'.repeat(9000)),
  lookahead: () => new RegExp('(?='.repeat(9000) + ')'.repeat(9000)).exec('a'),
  parser: () => (0, eval)('('.repeat(9000) + '1' + ')'.repeat(9000)),
  template: () => (0, eval)('`${'.repeat(3000) + '1' + '}`'.repeat(3000)),
};
contract({ api: 1, name: 'Deep', version: '1', licence: 'MIT', permissions: { call: 'any' }, methods: {
  down: { kind: 'write', args: ['path list', 'kind text'], returns: 'text', run(path, kind) {
    const next = path.shift();
    if (next !== undefined) return call(next, 'down', [path, kind]);
    deepest = 0;
    try { kinds[kind](); return `${deepest} true`; } catch (error) { return `${deepest} false ${error}`.slice(0, 90); }
  } } } })
