/** Questions to a node over REST and its stream of events. Nothing here holds a key. */
import { ChaosError } from './errors.js';
import { toHex } from './hashing.js';
import { EventParser } from './stream.js';
import { fromJson, toJson } from './values.js';

const TIMEOUT_MS = 30_000;
const PAUSE_MS_MAX = 10_000;

export class Client {
  #url;
  #timeoutMs;
  #fetch;
  #network;

  /**
   * @param {string} url of a node's public listener, for example http://127.0.0.1:8080
   * @param {{timeoutMs?: number, fetch?: typeof fetch}} [options]
   */
  constructor(url, { timeoutMs = TIMEOUT_MS, fetch: fetcher = globalThis.fetch } = {}) {
    this.#url = String(url).replace(/\/+$/, '');
    this.#timeoutMs = timeoutMs;
    this.#fetch = (...given) => fetcher(...given);
  }

  /** Return what a dashboard needs of the node. */
  status() {
    return this.#get('/v1/status');
  }

  /** Return on-chain parameters, schedule and prices. */
  params() {
    return this.#get('/v1/params');
  }

  /** Return {genesis, prefix} of the node's network, asked once. */
  async network() {
    if (!this.#network) {
      const asked = this.params().then((found) => ({ genesis: found.genesis, prefix: found.address_prefix }));
      this.#network = asked;
      asked.catch(() => {
        this.#network = undefined;
      });
    }
    return this.#network;
  }

  /** Return an account; `exists` is false for one that never was. */
  account(address) {
    return this.#get(`/v1/accounts/${part(address)}`);
  }

  /** Return the tokens that an account or a contract holds. */
  accountTokens(address, page = {}) {
    return this.#get(`/v1/accounts/${part(address)}/tokens`, page);
  }

  /** Return a block by height, id, 'head' or 'final'. */
  block(name) {
    return this.#get(`/v1/blocks/${part(String(name))}`);
  }

  /** Return a transaction by its id in hex, with values of contracts as they are; 'not_found' when unknown. */
  async transaction(id) {
    const found = await this.#get(`/v1/transactions/${part(id)}`);
    return { ...found, events: found.events.map(eventOf), returns: found.returns.map(fromJson) };
  }

  /** Submit the bytes of a signed transaction; return the node's verdict. */
  submit(raw) {
    return this.#post('/v1/transactions', { raw: toHex(raw) });
  }

  /** Try a transaction on the present state: code, gas, fee, deposit, events, returns. Nothing is sent. */
  async simulate(raw) {
    const found = await this.#post('/v1/transactions:simulate', { raw: toHex(raw) });
    return { ...found, events: found.events.map(eventOf), returns: found.returns.map(fromJson) };
  }

  /** Wait until a transaction is final, or only included; throws 'timeout' with the time over. */
  async waitForTransaction(id, { until = 'final', timeoutMs = 60_000 } = {}) {
    const end = Date.now() + timeoutMs;
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 500)) {
      const found = await this.transaction(id).catch((error) => {
        if (error.code === 'not_found' || error.retryAfterMs !== undefined) return undefined;
        throw error;
      });
      if (found && (found.status === 'final' || found.status === until)) return found;
      if (Date.now() + pauseMs > end) throw new ChaosError('timeout', `the transaction is not ${until} yet`);
      await pause(pauseMs);
    }
  }

  /** Return contracts, newest first. */
  contracts(page = {}) {
    return this.#get('/v1/contracts', page);
  }

  /** Return a contract: source, interface, permissions. */
  contract(address) {
    return this.#get(`/v1/contracts/${part(address)}`);
  }

  /** Return entries of a contract's storage whose keys begin with these parts. */
  async storage(address, { prefix = [], after, limit } = {}) {
    const asked = { prefix: JSON.stringify(toJson(prefix)), after, limit };
    const found = await this.#get(`/v1/contracts/${part(address)}/storage`, asked);
    return { ...found, entries: found.entries.map(entryOf) };
  }

  /** Return one entry by declared name and parts of its key; 'not_found' when there is none. */
  async storageEntry(address, key) {
    const text = JSON.stringify(toJson(key)).replaceAll('/', '\\u002f');
    return entryOf(await this.#get(`/v1/contracts/${part(address)}/storage/${part(text)}`));
  }

  /** Return what a view method answers; throws with the code of its failure, for example 'reverted'. */
  async query(contract, method, args = [], { caller = '', gas = 0 } = {}) {
    const asked = { method, args: args.map(toJson), caller, gas };
    const answer = await this.#post(`/v1/contracts/${part(contract)}/query`, asked);
    if (answer.code !== 'ok') throw new ChaosError(answer.code, answer.text);
    return fromJson(answer.value);
  }

  /** Return events of contracts, newest first: all, or of one contract, or of one name of it. */
  async events({ contract, name, cursor, limit } = {}) {
    const found = await this.#get('/v1/events', { contract, name, cursor, limit });
    return { ...found, events: found.events.map(eventOf) };
  }

  /** Return a proof of one event, for checkEventProof. */
  eventProof(transactionId, index) {
    return this.#get(`/v1/events/${part(transactionId)}/${index}/proof`);
  }

  /** Return tokens in the order of their ids. */
  tokens(page = {}) {
    return this.#get('/v1/tokens', page);
  }

  /** Return a token by its id in hex. */
  token(id) {
    return this.#get(`/v1/tokens/${part(id)}`);
  }

  /** Return who holds a token. */
  tokenHolders(id, page = {}) {
    return this.#get(`/v1/tokens/${part(id)}/holders`, page);
  }

  /**
   * Go through the node's events as they happen, over any number of connections: objects whose `event` says
   * what they are ('block', 'said', 'final', 'reorg', 'reset', ...), each with its `id`. After 'reset' read
   * again whatever is shown: events were missed. Ends with `signal`, or when the loop over it ends.
   */
  async *stream({ kinds = [], after, signal } = {}) {
    let last = after;
    for (let failures = 0; !signal?.aborted; ) {
      const parser = new EventParser();
      const asked = { after: last, kinds: kinds.join(',') || undefined };
      const stop = new AbortController();
      const onAbort = () => stop.abort();
      signal?.addEventListener('abort', onAbort);
      let retryAfterMs;
      try {
        const response = await this.#fetch(this.#address('/v1/stream', asked), { signal: stop.signal });
        if (!response.ok) throw await errorOf(response);
        const reader = response.body.getReader();
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          failures = 0;
          for (const event of parser.feed(value)) {
            last = /^[0-9]{1,19}$/.test(event.id) ? event.id : last;
            const said = saidOf(event);
            if (said.event !== 'closed') yield said;
          }
          last = /^[0-9]{1,19}$/.test(parser.lastId) ? parser.lastId : last;
        }
      } catch (error) {
        if (signal?.aborted) return;
        if (error instanceof ChaosError && error.retryAfterMs === undefined) throw error;
        retryAfterMs = error.retryAfterMs; // undefined: the connection broke
      } finally {
        signal?.removeEventListener('abort', onAbort);
        stop.abort();
      }
      const pauseMs = Math.min((parser.retryMs ?? 1000) * 2 ** Math.min(failures, 10), PAUSE_MS_MAX);
      failures += 1;
      await pause(Math.max(pauseMs, retryAfterMs ?? 0), signal);
    }
  }

  /** Go through what contracts say, as it happens: all, or one contract, or one name of it. */
  async *listen({ contract, name, after, signal } = {}) {
    for await (const found of this.stream({ kinds: ['said'], after, signal })) {
      if (found.event !== 'said') continue;
      for (const event of found.events) {
        if ((!contract || event.contract === contract) && (!name || event.name === name)) yield event;
      }
    }
  }

  #address(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.#url + path + (text ? `?${text}` : '');
  }

  #get(path, query) {
    return this.#ask(this.#address(path, query), {});
  }

  #post(path, body) {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(this.#address(path), { method: 'POST', headers, body: JSON.stringify(body) });
  }

  async #ask(address, options) {
    let response;
    let text;
    try {
      response = await this.#fetch(address, { ...options, signal: AbortSignal.timeout(this.#timeoutMs) });
      if (!response.ok) throw await errorOf(response);
      text = await response.text();
    } catch (cause) {
      if (cause instanceof ChaosError) throw cause;
      throw new ChaosError('connection', `${address}: ${cause.cause?.code ?? cause.message}`, { cause, retryAfterMs: 1000 });
    }
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new ChaosError('malformed', `answer to ${address} is not JSON`, { cause });
    }
  }
}

/** Return the error that a problem document (RFC 9457) stands for. */
async function errorOf(response) {
  const { status } = response;
  let problem = {};
  try {
    problem = JSON.parse(await response.text());
  } catch {
    // Somebody between us and the node answered.
  }
  const seconds = response.headers.get('retry-after') ?? '';
  const isTransient = status === 429 || status >= 500;
  const retryAfterMs = isTransient ? (/^[0-9]{1,5}$/.test(seconds) ? Number(seconds) * 1000 : 1000) : undefined;
  return new ChaosError(problem?.code ?? 'connection', problem?.detail ?? `HTTP status ${status}`, { status, retryAfterMs });
}

function part(text) {
  return encodeURIComponent(text) || '%20';
}

function eventOf(event) {
  return { ...event, values: event.values.map(fromJson) };
}

function entryOf(entry) {
  return { ...entry, key: entry.key.map(fromJson), value: fromJson(entry.value) };
}

function saidOf({ id, data }) {
  let found;
  try {
    found = JSON.parse(data);
  } catch (cause) {
    throw new ChaosError('malformed', 'event of the stream is not JSON', { cause });
  }
  return found.event === 'said' ? { ...found, id, events: found.events.map(eventOf) } : { ...found, id };
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}
