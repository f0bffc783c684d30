import { createRequire } from "node:module";
import {
  type Counted,
  type CountFrame,
  type CountItem,
  type Echoed,
  type EchoItem,
  EchoService,
} from "../../../shared/gen/throughline/testing/v1/echo_pb.ts";
import {
  batchHandler,
  createGrpcClient,
  createInProcessClient,
  defineService,
  startGrpcServer,
  streamHandler,
  unaryHandler,
} from "../../../shared/rpc/index.ts";

// What counting.test.ts counts: three calls in one turn of the loop, over gRPC (`grpc`) or within the process, and a
// statement that reaches no server. It stays until it is told to end.

const definition = defineService(EchoService, {
  echo: batchHandler<EchoItem, Echoed>(async (items) => items.map(({ item }) => ({ data: item.data }))),
  count: streamHandler<CountItem, CountFrame, Counted>(async () => ({ frames: 0 })),
  echoOnce: unaryHandler(async (request) => ({ data: request.data })),
});

async function openClient() {
  if (process.argv[2] !== "grpc") return createInProcessClient(definition);
  const server = await startGrpcServer([definition], { host: "127.0.0.1", port: 0 });
  return createGrpcClient(EchoService, { target: `127.0.0.1:${server.port}` });
}

const client = await openClient();
await client.ready(5_000);
const options = { requestId: 1n, traceparent: "", timeoutMs: 5_000 };
await Promise.all([1, 2, 3].map((byte) => client.echo.call({ data: Uint8Array.of(byte) }, options)));
// The driver as it is found from here; a database of ours would want a server first.
const { Client } = createRequire(import.meta.url)("pg") as {
  Client: new () => { query(sql: string): Promise<unknown> };
};
void new Client().query("select 1").catch(() => undefined);
console.log("done");
setInterval(() => undefined, 1_000);
