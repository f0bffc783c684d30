/** What one process said to others: to services over lanes, and to PostgreSQL. */
export interface Tally {
  readonly lanes: Readonly<Record<string, LaneTally>>;
  /** Statements, `begin` and `commit` among them. */
  readonly statements: number;
  readonly transactions: number;
}

/** What went over a lane, in `up` within the process: what one turn of the loop brought is one message there as well. */
export interface LaneTally {
  /** Messages with calls, and the calls in them. */
  readonly asked: number;
  readonly calls: number;
  /** Messages with answers. */
  readonly answered: number;
}

/** A tally that is kept. */
export interface Tallying {
  readonly tally: Tally;
  message(lane: string, to: "server" | "client", calls: number): void;
  /** A statement that a connection sends; one outside of a transaction is a transaction of its own. */
  statement(connection: object, sql: string): void;
}

const none: LaneTally = { asked: 0, calls: 0, answered: 0 };

/** Begins with nothing. */
export function createTallying(): Tallying {
  const lanes = new Map<string, { asked: number; calls: number; answered: number }>();
  const inTransaction = new WeakSet<object>();
  let statements = 0;
  let transactions = 0;
  return {
    get tally() {
      return { lanes: Object.fromEntries(lanes), statements, transactions };
    },
    message(name, to, calls) {
      let lane = lanes.get(name);
      if (lane === undefined) {
        lane = { ...none };
        lanes.set(name, lane);
      }
      if (to === "client") lane.answered += 1;
      else {
        lane.asked += 1;
        lane.calls += calls;
      }
    },
    statement(connection, sql) {
      statements += 1;
      if (/^\s*begin\b/i.test(sql)) inTransaction.add(connection);
      else if (/^\s*(commit|rollback)\b(?!\s+to\b)/i.test(sql)) inTransaction.delete(connection);
      if (!inTransaction.has(connection)) transactions += 1;
    },
  };
}

/** The sum of several processes' tallies. */
export function summed(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    combined((a, b) => a + b),
    { lanes: {}, statements: 0, transactions: 0 },
  );
}

/** What came to a tally since an earlier look at it. */
export function since(before: Tally, now: Tally): Tally {
  return combined((a, b) => a - b)(now, before);
}

function combined(of: (a: number, b: number) => number): (a: Tally, b: Tally) => Tally {
  return (a, b) => ({
    lanes: Object.fromEntries(
      [...new Set([...Object.keys(a.lanes), ...Object.keys(b.lanes)])].map((name) => {
        const [one, other] = [a.lanes[name] ?? none, b.lanes[name] ?? none];
        return [
          name,
          {
            asked: of(one.asked, other.asked),
            calls: of(one.calls, other.calls),
            answered: of(one.answered, other.answered),
          },
        ];
      }),
    ),
    statements: of(a.statements, b.statements),
    transactions: of(a.transactions, b.transactions),
  });
}
