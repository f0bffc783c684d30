/** A statement of the hot path: parsed once per connection under its name, then only bound and run. */
export interface Statement {
  /** Unique within one database; at most 63 bytes (PostgreSQL cuts longer names off). */
  readonly name: string;
  /** SQL with `$1`, `$2` ... as parameters. */
  readonly sql: string;
  /** Running it twice does no harm: it is sent once more when its connection breaks before the answer. */
  readonly idempotent: boolean;
}

const maxNameBytes = 63;

/**
 * Declares a prepared statement. Throws RangeError when the name is empty or longer than 63 bytes.
 * `idempotent: true` lets it be sent once more on a new connection when the first one breaks before the answer: right
 * for reads, and for writes that a second run leaves as they are.
 */
export function statement(name: string, sql: string, options: { idempotent?: boolean } = {}): Statement {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > maxNameBytes) {
    throw new RangeError(`The name of a statement must have 1 to ${maxNameBytes} bytes; "${name}" has ${bytes}`);
  }
  return { name, sql, idempotent: options.idempotent ?? false };
}
