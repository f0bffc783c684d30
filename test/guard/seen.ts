import { Socket } from "node:net";
import { watchStatements } from "../../shared/db/testing-statements.ts";
import { type Call, watchCalls, whereOf } from "./calls.ts";
import type { House } from "./house.ts";
import type { LaneMessage } from "./lane-messages.ts";
import { standIn } from "./stand-in.ts";

/** Who a socket leads to. */
type Peer = "client" | "upstream" | "postgres";

/** How often each of some names came up. */
export type Tally = Readonly<Record<string, number>>;

/** All that was seen while some requests were served, from their arrival to their record. */
export interface Seen {
  /** Calls that the services took, e.g. "Billing.Reserve". */
  readonly taken: Tally;
  /** Messages of lanes, in the order of sending. */
  readonly messages: readonly LaneMessage[];
  /** Statements, by name. */
  readonly statements: Tally;
  /** Writes that the kernel was asked for, by whom they went to. */
  readonly writes: Readonly<Record<Peer, number>>;
  readonly calls: readonly Call[];
  /** Lines of the log that name a request. */
  readonly lines: number;
  /** Spans, by name. */
  readonly spans: Tally;
}

/** What comes by a timer, whether requests do or not; the house makes it seldom, a stalled machine may see it all the same. */
const byTimer = {
  calls: /LeaseNode|FindUnfinished/,
  statements:
    /^(billing_(sweep|fold|held|claim|advance|ended|ensure|roll|expire)|routing |history\.(usage|maintenance)|db\.|select 1)/,
  /** The pause between two runs of a job; and a statement's own timer, for statements are counted by their names. */
  timers: /^(services\/\w+\/jobs\/|shared\/db\/pool\.ts)/,
};

/**
 * Watches the house while `work` sends so many requests, until each of them has its record.
 *
 * @param messages of its lanes, which grow as they are sent.
 */
export async function see(
  house: House,
  messages: readonly LaneMessage[],
  requests: number,
  work: () => Promise<void>,
): Promise<Seen> {
  const taken = house.taken.length;
  const lines = house.lines.length;
  const sent = messages.length;
  const spans = (await house.spans()).length;
  const statements = watchStatements();
  const writes = watchWrites(house);
  const calls = watchCalls();
  try {
    await house.until(requests, work);
  } finally {
    calls.stop();
    writes.stop();
    statements.stop();
  }
  const { names } = statements;
  const asked = names.filter((name) => !byTimer.statements.test(name));
  const { postgres } = writes.counts;
  return {
    taken: tally(house.taken.slice(taken).filter((call) => !byTimer.calls.test(call))),
    messages: messages.slice(sent),
    statements: tally(asked),
    // Statements that a timer sent were a write each.
    writes: { ...writes.counts, postgres: postgres - (names.length - asked.length) },
    calls: withoutJobs(calls.calls),
    lines: house.lines.slice(lines).filter((line) => line.includes('"request_id"')).length,
    spans: tally((await house.spans()).slice(spans)),
  };
}

/** Leaves out the timers of jobs and of statements. */
function withoutJobs(calls: readonly Call[]): Call[] {
  return calls.filter((call) => call.what !== "timer" || !byTimer.timers.test(whereOf(call)));
}

/** Counts names. */
export function tally(names: readonly string[]): Tally {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Counts what becomes a system call: pieces that are written while a socket is corked go as one. */
function watchWrites({ port, databasePort, upstream }: House) {
  const counts: Record<Peer, number> = { client: 0, upstream: 0, postgres: 0 };
  const count = ({ self }: { self: unknown }) => {
    if (!(self instanceof Socket)) return;
    if (self.localPort === port) counts.client += 1;
    else if (self.remotePort === upstream.port) counts.upstream += 1;
    else if (self.remotePort === databasePort) counts.postgres += 1;
  };
  const undo = [standIn(Socket.prototype, "_write", count), standIn(Socket.prototype, "_writev", count)];
  return {
    counts,
    stop() {
      for (const restore of undo) restore();
    },
  };
}
