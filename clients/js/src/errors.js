/** What goes wrong, with the stable code that nodes and this package share. */
export class ChaosError extends Error {
  /**
   * @param {string} code one word, as in the node's problem documents and receipts
   * @param {string} [detail] for people
   * @param {{status?: number, retryAfterMs?: number, cause?: unknown}} [more]
   */
  constructor(code, detail = '', { status, retryAfterMs, cause } = {}) {
    super(detail ? `${code}: ${detail}` : code, cause === undefined ? undefined : { cause });
    this.name = 'ChaosError';
    this.code = code;
    this.detail = detail;
    /** HTTP status of the answer; undefined when no node answered. */
    this.status = status;
    /** When to try again; undefined when that would not help. */
    this.retryAfterMs = retryAfterMs;
  }
}
