/** An account that acts through a node: tries, signs, sends and waits. */
import { contractAddress, formatAddress, parseAddress } from './addresses.js';
import { ChaosError } from './errors.js';
import { fromHex, toHex } from './hashing.js';
import {
  call,
  deploy,
  EXPIRY_BLOCKS,
  locksDeposit,
  sendToken,
  signTransaction,
  transactionBody,
  transfer,
  unsignedTransaction,
  withDeposit,
} from './transactions.js';

/** What nodes allow for a dry run unless they are told otherwise. */
const DRY_RUN_GAS = 20_000_000n;
/** One part in so many is added to gas and deposit of a dry run: the state may change before the block. */
const MARGIN = 4n;

export class Wallet {
  #client;
  #key;
  #turn = Promise.resolve();

  /**
   * @param {import('./client.js').Client} client
   * @param {import('./keys.js').Key} key
   */
  constructor(client, key) {
    this.#client = client;
    this.#key = key;
  }

  /** Return the account's address on the client's network. */
  async address() {
    return this.#key.address((await this.#client.network()).prefix);
  }

  /** Return the motes that can be spent now. */
  async balance() {
    return BigInt((await this.#client.account(await this.address())).balance);
  }

  /** Move motes to an account; return what became of it. */
  async transfer(to, amount, options = {}) {
    return this.act([transfer(await this.#parsed(to), amount)], options);
  }

  /** Move tokens, in their smallest units, to an account or a contract. */
  async sendToken(token, to, amount, options = {}) {
    return this.act([sendToken(fromHex(token), await this.#parsed(to), amount)], options);
  }

  /** Put a contract on the chain; the receipt's `value` is its address. `engine`: 'lua/1' or 'js/1'. */
  async deploy(engine, source, args = [], options = {}) {
    return this.act([deploy(engine, source, args, { sent: options.sent ?? 0n })], options);
  }

  /**
   * Call a method of a contract; the receipt's `value` is what it returned. `sent`: 'COS' or the id of a
   * token -> amount in its smallest units.
   */
  async call(contract, method, args = [], options = {}) {
    const sent = Object.entries(options.sent ?? {}).map(([asset, amount]) => [assetOf(asset), amount]);
    return this.act([call(await this.#parsed(contract), method, args, { sent })], options);
  }

  /** Ask a view method, as this account. */
  async query(contract, method, args = [], options = {}) {
    return this.#client.query(contract, method, args, { caller: await this.address(), ...options });
  }

  /** Return what actions would cost and do on the present state: code, gas, fee, deposit, returns, events. */
  async estimate(actions, options = {}) {
    return (await this.#tried(actions, options)).tried;
  }

  /**
   * Do actions, all or none, in one transaction: try them, sign, send, and wait until they are final.
   * Throws ChaosError with the code of what failed; `wait: false` returns once the node has taken it.
   */
  async act(actions, options = {}) {
    const { id, verdict } = await this.#inTurn(() => this.#sent(actions, options));
    if (options.wait === false) return { id, code: verdict.code };
    const { until = 'final', timeoutMs } = options;
    const found = await this.#client.waitForTransaction(id, { until, timeoutMs });
    if (found.code !== 'ok') throw new ChaosError(found.code ?? 'internal', found.text);
    return {
      id,
      code: found.code,
      value: found.returns.length ? found.returns[found.returns.length - 1] : null,
      returns: found.returns,
      events: found.events,
      gas: BigInt(found.gas),
      fee: BigInt(found.fee),
      height: found.height,
      status: found.status,
    };
  }

  /** Return the address that the next contract deployed by this account will have, if nothing comes between. */
  async nextContract() {
    const { genesis, prefix } = await this.#client.network();
    const account = await this.#client.account(await this.address());
    const address = contractAddress(fromHex(genesis), this.#key.accountAddress, account.pending_nonce);
    return formatAddress(prefix, address);
  }

  /** Transactions of one account have one order: each is sent once the node has taken the one before. */
  #inTurn(work) {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #sent(actions, options) {
    const { body, tried } = await this.#tried(actions, options);
    if (tried.code !== 'ok') throw new ChaosError(tried.code, tried.detail);
    const { id, raw } = signTransaction(body, this.#key);
    const verdict = await this.#client.submit(raw);
    if (verdict.code !== 'ok') throw new ChaosError(verdict.code, verdict.detail);
    return { id: toHex(id), verdict };
  }

  /** Return a body with limits that suffice on the node's present state, and the dry run they come from. */
  async #tried(actions, { gasLimit, gasPrice, depositMax, memo, expiryBlocks = EXPIRY_BLOCKS }) {
    const [status, { params }, address] = await Promise.all([
      this.#client.status(),
      this.#client.params(),
      this.address(),
    ]);
    const account = await this.#client.account(address);
    const price = BigInt(gasPrice ?? params.gas_price_min ?? 1);
    const free = larger(BigInt(account.balance) - actions.reduce((sum, action) => sum + motesOf(action), 0n), 0n);
    let most = gasLimit === undefined ? smaller(BigInt(params.block_gas_max), DRY_RUN_GAS) : BigInt(gasLimit);
    const locking = BigInt(actions.filter(locksDeposit).length);
    if (price && gasLimit === undefined) most = smaller(most, (locking ? free / 2n : free) / price);
    if (most < 1n) throw new ChaosError('not_enough', `${address} has ${account.balance} motes`);
    const room = locking ? larger(free - most * price, 0n) / locking : 0n;
    const deposits = depositMax === undefined ? room : BigInt(depositMax);
    const made = (nonce, limit, deposit) =>
      transactionBody({
        genesis: fromHex(status.genesis),
        sender: this.#key.accountAddress,
        nonce,
        expiry: status.height + expiryBlocks,
        gasLimit: limit,
        gasPrice: price,
        actions: actions.map((action) => withDeposit(action, deposit)),
        memo,
        anchor: { height: status.height, id: fromHex(status.tip) },
      });
    // A dry run knows only what is in blocks: what still waits is not counted.
    const trial = unsignedTransaction(made(account.nonce, most, deposits), this.#key);
    const tried = await this.#client.simulate(trial);
    const deposit = depositMax === undefined ? smaller(deposits, margin(larger(BigInt(tried.deposit), 0n))) : deposits;
    const limit = gasLimit === undefined ? smaller(most, margin(BigInt(tried.gas))) : most;
    return { tried, body: made(account.pending_nonce, limit, deposit) };
  }

  async #parsed(address) {
    return parseAddress((await this.#client.network()).prefix, address);
  }
}

/** Return the motes that an action itself takes from the sender. */
function motesOf(action) {
  if (action[0] === 1) return action[2];
  if (action[0] === 10) return action[4];
  if (action[0] !== 11) return 0n;
  return action[4].reduce((sum, [asset, amount]) => (asset.length ? sum : sum + amount), 0n);
}

function assetOf(name) {
  if (name === 'COS') return new Uint8Array(0);
  const id = fromHex(name);
  if (id.length !== 32) throw new ChaosError('bad_argument', `${name} is neither COS nor the id of a token`);
  return id;
}

const larger = (number, bound) => (number < bound ? bound : number);
const smaller = (number, bound) => (number > bound ? bound : number);
const margin = (amount) => amount + amount / MARGIN;
