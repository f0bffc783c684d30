import { performance } from "node:perf_hooks";
import { type Connection, openConnection, type Reply } from "./connection.ts";
import type { Target } from "./request.ts";
import { createSamples, type Samples } from "./samples.ts";

/** What a load did and saw. */
export interface LoadResult {
  /** Answers with status 200, whole. */
  readonly good: number;
  /** Other answers, and connections that broke. */
  readonly bad: number;
  /** What the first of them said. */
  readonly firstBad: string;
  readonly wallMs: number;
  /** Milliseconds from sending to the end of the answer. */
  readonly latency: Samples;
  /** Milliseconds from sending to the first byte of the body. */
  readonly firstByte: Samples;
  /** Events of all answers. */
  readonly events: number;
  /** Share of the time in which the generator's own thread was busy: near 1 it measures itself. */
  readonly generatorBusy: number;
}

/** Makes the requests of a load: the n-th request's bytes. */
export type NextRequest = (index: number) => Buffer;

interface Counting {
  good: number;
  bad: number;
  firstBad: string;
  events: number;
  readonly latency: Samples;
  readonly firstByte: Samples;
}

/** Opens connections, a few hundred at a time so that no backlog overflows. */
export async function openAll(target: Target, count: number): Promise<Connection[]> {
  const connections: Connection[] = [];
  while (connections.length < count) {
    const some = Math.min(200, count - connections.length);
    connections.push(
      ...(await Promise.all(Array.from({ length: some }, () => openConnection(target.host, target.port)))),
    );
  }
  return connections;
}

function newCounting(): Counting {
  return { good: 0, bad: 0, firstBad: "", events: 0, latency: createSamples(), firstByte: createSamples() };
}

function note(counting: Counting, reply: Reply | undefined): void {
  if (reply === undefined || reply.status !== 200) {
    counting.bad += 1;
    if (counting.firstBad === "")
      counting.firstBad = reply === undefined ? "the connection broke" : `${reply.status} ${reply.said}`;
    return;
  }
  counting.good += 1;
  counting.events += reply.events;
  counting.latency.add(reply.endMs - reply.sentMs);
  counting.firstByte.add(reply.firstByteMs - reply.sentMs);
}

function busySince(): () => number {
  const before = performance.eventLoopUtilization();
  return () => performance.eventLoopUtilization(before).utilization;
}

/**
 * So many at a time, each sent when one before it has ended, for a time or for a count. `spreadMs`: the first ones begin
 * evenly over that time, where answers take so long that they would stay in step for ever.
 */
export async function closedLoop(
  target: Target,
  concurrency: number,
  until: { readonly forMs: number } | { readonly count: number },
  next: NextRequest,
  { spreadMs = 0 }: { readonly spreadMs?: number } = {},
): Promise<LoadResult> {
  const connections = await openAll(target, concurrency);
  const counting = newCounting();
  const busy = busySince();
  const startedMs = performance.now();
  const endMs = "forMs" in until ? startedMs + until.forMs : Number.POSITIVE_INFINITY;
  const most = "count" in until ? until.count : Number.POSITIVE_INFINITY;
  let sent = 0;
  await Promise.all(
    connections.map(
      (connection, index) =>
        new Promise<void>((resolve) => {
          const again = (reply: Reply | undefined): void => {
            note(counting, reply);
            go(reply !== undefined);
          };
          const go = (usable: boolean): void => {
            if (!usable || sent >= most || performance.now() >= endMs) {
              resolve();
              return;
            }
            const request = next(sent);
            sent += 1;
            connection.send(request, again);
          };
          if (spreadMs === 0) go(true);
          else setTimeout(go, (index * spreadMs) / concurrency, true);
        }),
    ),
  );
  const wallMs = performance.now() - startedMs;
  const generatorBusy = busy();
  for (const connection of connections) connection.close();
  return { ...counting, wallMs, generatorBusy };
}

/** So many at a time, each over a connection of its own, which is made for it: latencies begin before that. */
export async function freshLoop(
  target: Target,
  concurrency: number,
  forMs: number,
  next: NextRequest,
): Promise<LoadResult> {
  const counting = newCounting();
  const busy = busySince();
  const startedMs = performance.now();
  let sent = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - startedMs < forMs) {
      const openedMs = performance.now();
      const connection = await openConnection(target.host, target.port).catch(() => undefined);
      const request = next(sent);
      sent += 1;
      const reply = await new Promise<Reply | undefined>((resolve) => {
        if (connection === undefined) resolve(undefined);
        else connection.send(request, resolve);
      });
      connection?.close();
      note(counting, reply === undefined ? undefined : { ...reply, sentMs: openedMs });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, client));
  return { ...counting, wallMs: performance.now() - startedMs, generatorBusy: busy() };
}

/** So many a second, whatever the answers take: nothing waits for anything, connections are there for all. */
export async function openLoop(
  target: Target,
  perSecond: number,
  forMs: number,
  next: NextRequest,
): Promise<LoadResult> {
  // For answers that take half a second; where they take longer, more are opened.
  const free = await openAll(target, Math.max(50, Math.ceil(perSecond / 2)));
  const counting = newCounting();
  const busy = busySince();
  const startedMs = performance.now();
  const total = Math.floor((perSecond * forMs) / 1_000);
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const sendOn = (connection: Connection, request: Buffer, take: (reply: Reply | undefined) => void): void =>
    connection.send(request, (reply) => {
      if (reply !== undefined) free.push(connection);
      take(reply);
    });
  /** All are in use, by a server that does not keep the rate: its answers take as long as they do, from now on. */
  const onNewConnection = (request: Buffer, take: (reply: Reply | undefined) => void): void => {
    const dueMs = performance.now();
    openConnection(target.host, target.port).then(
      (connection) => sendOn(connection, request, (reply) => take(reply && { ...reply, sentMs: dueMs })),
      () => take(undefined),
    );
  };
  const timer = setInterval(() => {
    const due = Math.min(total, Math.floor(((performance.now() - startedMs) * perSecond) / 1_000));
    while (sent < due) {
      // In turns: one that rests for seconds may be closed by its server as it is used again.
      const connection = free.shift();
      const request = next(sent);
      sent += 1;
      const take = (reply: Reply | undefined): void => {
        note(counting, reply);
        answered += 1;
        if (answered === total) resolve();
      };
      if (connection === undefined) onNewConnection(request, take);
      else sendOn(connection, request, take);
    }
    if (sent === total) clearInterval(timer);
    if (answered === total) resolve();
  }, 1);
  await promise;
  const wallMs = performance.now() - startedMs;
  const generatorBusy = busy();
  for (const connection of free) connection.close();
  return { ...counting, wallMs, generatorBusy };
}
