import { parseArgs } from "node:util";
import {
  type Counted,
  type CountFrame,
  type CountItem,
  type Echoed,
  type EchoItem,
  EchoService,
} from "../../shared/gen/throughline/testing/v1/echo_pb.ts";
import {
  batchHandler,
  createGrpcClient,
  createInProcessClient,
  defineService,
  startGrpcServer,
  streamHandler,
  unaryHandler,
} from "../../shared/rpc/index.ts";

// What a call and a relayed chunk cost, client and server together (both are in this process), CPU user + system.
// node --expose-gc test/bench/lanes.ts [--calls 100000] [--bytes 300]

const { values } = parseArgs({ options: { calls: { type: "string" }, bytes: { type: "string" } } });
const calls = Number(values.calls ?? 100_000);
const data = new Uint8Array(Number(values.bytes ?? 300)).fill(7);
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const options = { requestId: 767212140985061376n, traceparent, timeoutMs: 60_000 };
const streams = 50;

const definition = defineService(EchoService, {
  echo: batchHandler<EchoItem, Echoed>(async (items) => items.map(({ item }) => ({ data: item.data }))),
  count: streamHandler<CountItem, CountFrame, Counted>(async (call, out) => {
    const { frames, frameBytes } = call.item;
    let wake = (): void => {};
    out.onPauseChange(() => wake());
    for (let index = 0; index < frames; index += 1) {
      if (out.paused) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (call.signal.aborted) break;
      }
      out.write({ index, data: new Uint8Array(frameBytes) });
      await nextTurn();
    }
    return { frames };
  }),
  echoOnce: unaryHandler(async (request) => ({ data: request.data })),
});

type Client = ReturnType<typeof createInProcessClient<typeof EchoService>>;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls `run` `count` times, `concurrency` at a time. */
async function load(count: number, concurrency: number, run: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** CPU-us and wall-us for each of `count` things that `run` does, after a warm-up of a third as many. */
async function measure(name: string, count: number, run: (count: number) => Promise<void>): Promise<void> {
  await run(Math.ceil(count / 3));
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await run(count);
  const wallUs = ((performance.now() - startedMs) * 1_000) / count;
  const { user, system } = process.cpuUsage(cpu);
  const cpuUs = (user + system) / count;
  console.log(`${name.padEnd(56)} ${cpuUs.toFixed(1).padStart(8)} ${wallUs.toFixed(1).padStart(8)}`);
}

/** What the handler's own loop costs without any lane below it. */
async function turns(count: number): Promise<void> {
  const each = async (): Promise<void> => {
    for (let index = 0; index < count / streams; index += 1) await nextTurn();
  };
  await Promise.all(Array.from({ length: streams }, each));
}

async function relay(client: Client, count: number): Promise<void> {
  const frames = Math.ceil(count / streams);
  const read = async (): Promise<void> => {
    const stream = client.count.open({ frames, frameBytes: data.byteLength }, options);
    await stream.each(() => undefined);
    await stream.outcome;
  };
  await Promise.all(Array.from({ length: streams }, read));
}

async function bench(name: string, client: Client): Promise<void> {
  await client.ready(5_000);
  const echo = (): Promise<unknown> => client.echo.call({ data }, options);
  await measure(`${name}: unary, 64 at a time`, calls / 10, (count) =>
    load(count, 64, () => client.echoOnce({ data }, options)),
  );
  await measure(`${name}: lane, one at a time (unbatched)`, calls / 10, (count) => load(count, 1, echo));
  await measure(`${name}: lane, 64 at a time (batched)`, calls, (count) => load(count, 64, echo));
  await measure(`${name}: chunk, ${streams} streams on one lane method`, calls * 2, (count) => relay(client, count));
  await stalled(name, client);
}

/** Memory of streams that nobody reads any more, both sides, in kB each. */
async function stalled(name: string, client: Client): Promise<void> {
  const count = 1_000;
  const used = async (): Promise<number> => {
    // Twice, with turns between: buffers are freed after what referred to them.
    for (let round = 0; round < 2; round += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = await used();
  const open = Array.from({ length: count }, () => {
    const stream = client.count.open({ frames: 1e6, frameBytes: data.byteLength }, options);
    return { stream, reader: stream[Symbol.asyncIterator]() };
  });
  await Promise.all(open.map(({ reader }) => reader.next()));
  // Every handler is paused when a call takes no longer than usual again.
  for (let round = 0; round < 500; round += 1) await client.echo.call({}, options);
  const kilobytes = ((await used()) - before) / count / 1_000;
  console.log(`${name}: ${count} unread streams`.padEnd(56), `${kilobytes.toFixed(1)} kB each`);
  await Promise.all(open.map(({ reader, stream }) => Promise.all([reader.return?.(), stream.outcome])));
}

console.log(`${"".padEnd(56)}   CPU-us  wall-us   (each; ${data.byteLength} bytes)`);
await measure("the chunk handler's loop alone", calls * 2, turns);
const local = createInProcessClient(definition);
await bench("in process", local);
const server = await startGrpcServer([definition], { host: "127.0.0.1", port: 0 });
const remote = createGrpcClient(EchoService, { target: `127.0.0.1:${server.port}` });
await bench("over TCP", remote);
await Promise.all([local.close(), remote.close()]);
await server.close(1_000);
