// What a test in JavaScript finds beside the words of contracts; harness.lua says the same in Lua. Everything
// that happens to the chain is asked of the runner (script.py), through a call to the address `@chain`.
(() => {
const LINES = @LINES@, chainCall = call;
const items = [], before = [], actions = [];
let sender = 'alice', spent = 0n;

function ask(name, ...args) {
  const answer = chainCall('@chain', name, args.map((one) => one ?? null));
  if (answer?.['@refused']) failed(answer['@refused']);
  return answer;
}

// The line of the test that is running: the innermost one after this file.
function where(stack) {
  for (const [, line] of String(stack ?? new Error().stack).matchAll(/contract:(\d+)/g))
    if (Number(line) > LINES) return BigInt(line);
  return 0n;
}

function show(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${bytes.to_hex(value)}`;
  if (typeof value !== 'object' || value === null || depth > 4) return String(value);
  if (Array.isArray(value)) return `[${value.map((one) => show(one, depth + 1)).join(', ')}]`;
  const fields = Object.keys(value).sort().map((name) => `${name}: ${show(value[name], depth + 1)}`);
  return `{${fields.join(', ')}}`;
}

function same(a, b) {
  if ((a ?? null) === null || (b ?? null) === null) return (a ?? null) === (b ?? null);
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (a instanceof Uint8Array !== b instanceof Uint8Array || Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => same(a[name], b[name]));
}

function failed(text, line) {
  ask('failed', line ?? where(), text);
}

class Refused extends Error {
  constructor(what, result) {
    super(`${what} failed: ${result.code}${result.text ? `: ${result.text}` : ''}`);
    this.said = result.text;
    this.code = result.code;
  }
}

class Expect {
  constructor(value) {
    this.value = value;
  }
}
const claims = {
  equals: ['to equal', same],
  differs: ['to differ from', (a, b) => !same(a, b)],
  below: ['to be below', (a, b) => a < b],
  above: ['to be above', (a, b) => a > b],
  at_most: ['to be at most', (a, b) => a <= b],
  at_least: ['to be at least', (a, b) => a >= b],
  is_true: ['to be true', (a) => a === true],
  is_false: ['to be false', (a) => a === false],
  is_nil: ['to be null', (a) => (a ?? null) === null],
  contains: ['to contain', (a, b) => (typeof a === 'string' ? a.includes(b) : Object.values(a).some((one) => same(one, b)))],
};
for (const [name, [words, holds]] of Object.entries(claims))
  Expect.prototype[name] = function (...other) {
    if (!holds(this.value, other[0]))
      failed(`expected ${show(this.value)} ${words}${other.length ? ` ${show(other[0])}` : ''}`);
    return this;
  };

const optionsOf = (options) => {
  const found = { as: addressOf(options?.as ?? sender) };
  for (const name of ['sent', 'gas', 'deposit_max'])
    if ((options?.[name] ?? null) !== null) found[name] = options[name];
  return found;
};
const addressOf = (target) => (typeof target === 'object' && target !== null ? target.address : target);

function done(result) {
  spent += result.gas;
  return result;
}

// A failed transaction ends the test unless expect_revert waits for it.
function checked(result, what) {
  if (result.code !== 'ok') throw new Refused(what, result);
  return result.value;
}

function contractAt(address, kinds, options) {
  return new Proxy({ address, with: (other) => contractAt(address, kinds, other) }, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return target[name];
      const kind = kinds[name];
      if (!kind) failed(`the contract has no method ${String(name)}`);
      return (...args) => {
        const sent = args.map((one) => one ?? null);
        if (kind === 'view') return checked(ask('query', address, name, sent, optionsOf(options)), name);
        return checked(done(ask('call', address, name, sent, optionsOf(options))), name);
      };
    },
  });
}

const chain = {
  deploy(file, args, options) {
    const result = done(ask('deploy', file, args ?? [], optionsOf(options)));
    checked(result, `deploying ${file}`);
    return contractAt(result.value, result.methods);
  },
  at: (address) => contractAt(address, ask('methods', address)),
  // The result whatever it is: code, value, text, gas, deposit, events.
  call: (target, method, args, options) =>
    done(ask('call', addressOf(target), method, args ?? [], optionsOf(options))),
  try_deploy: (file, args, options) => done(ask('deploy', file, args ?? [], optionsOf(options))),
  query: (target, method, args, options) =>
    checked(ask('query', addressOf(target), method, args ?? [], optionsOf(options)), method),
  // Run a function, or from now on everything, in somebody's name.
  as(who, run) {
    const previous = sender;
    sender = addressOf(who);
    if (!run) return undefined;
    try {
      return run();
    } finally {
      sender = previous;
    }
  },
  transfer: (to, amount, asset) =>
    checked(done(ask('transfer', addressOf(to), amount, asset ?? 'COS', optionsOf())), 'transfer'),
  approve: (asset, spender, expected, next, expiry) =>
    checked(done(ask('approve', asset, addressOf(spender), expected, next, expiry, optionsOf())), 'approve'),
  balance: (who, asset) => ask('balance', addressOf(who), asset ?? 'COS'),
  fund: (who, amount) => ask('fund', addressOf(who), amount),
  address: (who) => ask('address', addressOf(who)),
  events: () => ask('events'),
  height: () => ask('height'),
  time: () => ask('time'),
  snapshot: () => ask('snapshot'),
  revert: (number) => ask('revert', number),
  advance: (blocks, seconds) => ask('advance', blocks ?? 1n, seconds ?? 0n),
  // The gas of all transactions that a function makes.
  gas(run) {
    const from = spent;
    run();
    return spent - from;
  },
  expect_gas_below(most, run) {
    const used = chain.gas(run);
    if (used >= most && !ask('gas_differs')) failed(`it took ${used} gas, not below ${most}`);
  },
  // A transaction in the function must fail, with this text in its code or message.
  expect_revert(text, run) {
    if (typeof text === 'function') [text, run] = [run, text];
    try {
      run();
    } catch (raised) {
      if (!(raised instanceof Refused)) throw raised;
      const said = `${raised.code}: ${raised.said}`;
      if (text && !said.includes(text))
        failed(`expected a failure with ${show(text)}, not ${show(said)}`, where(raised.stack));
      return raised.said;
    }
    return failed(`nothing failed, but it should${text ? ` with ${show(text)}` : ''}`);
  },
  // An event of the last transaction with this name and, if given, these values.
  expect_event(name, ...wanted) {
    const events = ask('events');
    for (const event of events)
      if (event.name === name && (!wanted.length || same(event.values, wanted))) return event;
    return failed(`no event ${name} ${wanted.length ? show(wanted) : ''} among ${show(events)}`);
  },
};

function register(kind, name, types, run) {
  if (typeof types === 'function') [types, run] = [[], types];
  if (typeof name !== 'string' || typeof run !== 'function') throw new TypeError(`${kind} needs a name and a function`);
  (kind === 'action' ? actions : items).push({ kind, name, types, run, line: where() });
}

const words = {
  chain,
  expect: (value) => new Expect(value),
  fail: (text) => failed(String(text)),
  expect_revert: chain.expect_revert,
  expect_event: chain.expect_event,
  expect_gas_below: chain.expect_gas_below,
  accounts: new Proxy({}, { get: (_, name) => ask('address', name) }),
  // With types, as in ['n int 1..100', 'who address'], the function gets many generated arguments.
  test: (name, types, run) => register('test', name, types, run),
  invariant: (name, run) => register('invariant', name, run),
  // What random sequences are made of; without any: calls of all that write, in what before_each deployed.
  action: (name, types, run) => register('action', name, types, run),
  before_each: (run) => before.push(run),
};
Object.assign(globalThis, words);

function withGlobals() {
  for (const name of Object.getOwnPropertyNames(globalThis).sort()) {
    const kind = /^(test|invariant)_/.exec(name)?.[1];
    if (kind && typeof globalThis[name] === 'function')
      items.push({ kind, name, types: [], run: globalThis[name], line: 0n });
  }
}

function runInvariant(item) {
  item.run();
  for (;;) {
    const step = ask('step');
    if (step === false) return;
    if (step !== true) {
      try {
        chain.as(step.sender, () => actions[Number(step.action) - 1].run(...step.args));
      } catch (raised) {
        if (!(raised instanceof Refused)) throw raised;
      }
    }
    item.run();
  }
}

globalThis._finish_tests = () => {
  withGlobals();
  contract({ api: 1, name: 'tests', methods: {
    list: { kind: 'view', run: () => [items, actions].map((list) => list.map((i) => [i.kind, i.name, i.types, i.line])) },
    run: { kind: 'write', run(index, args) {
      try {
        for (const prepare of before) prepare();
        ask('prepared');
        const item = items[Number(index)];
        if (item.kind === 'invariant') runInvariant(item);
        else item.run(...args);
      } catch (raised) {
        failed(raised instanceof Error ? `${raised instanceof Refused ? '' : `${raised.name}: `}${raised.message}` : String(raised), where(raised?.stack ?? ''));
      }
    } },
  } });
};
})();
