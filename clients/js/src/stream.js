/** Server-sent events (WHATWG HTML, section 9.2), whatever way their bytes are cut. */
import { ChaosError } from './errors.js';

const EVENT_CHARACTERS_MAX = 16 * 1024 * 1024;

export class EventParser {
  #decoder = new TextDecoder();
  #rest = '';
  #name = '';
  #data = [];
  #id = '';
  #size = 0;

  /** Id of the latest event that came whole: what to go on from. */
  lastId = '';
  /** Pause in ms before connecting again, as the node asks; undefined: it did not say. */
  retryMs;

  /** Return the events, {name, data, id}, that these bytes complete. */
  feed(bytes) {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const lines = this.#rest.split(/\r\n|\n|\r(?=[^\n])/);
    this.#rest = lines.pop();
    const found = [];
    for (const line of lines) {
      const event = line ? this.#field(line) : this.#dispatch();
      if (event) found.push(event);
    }
    if (this.#rest.length + this.#size > EVENT_CHARACTERS_MAX) throw new ChaosError('too_large', 'event of the stream');
    return found;
  }

  #field(line) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === 'event') this.#name = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^[0-9]{1,9}$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch() {
    const name = this.#name || 'message';
    const data = this.#data.join('\n');
    const hasData = this.#data.length > 0;
    this.#name = '';
    this.#data = [];
    this.#size = 0;
    this.lastId = this.#id;
    return hasData ? { name, data, id: this.#id } : undefined;
  }
}
