import {
  type Frame,
  type InvokeItem,
  type Outcome,
  ProviderService,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import {
  createGrpcClient,
  defineService,
  type FrameSink,
  startGrpcServer,
  streamHandler,
  unaryHandler,
} from "../../shared/rpc/index.ts";

/** Streams of one lane over gRPC, whose provider writes when the test says so. */
export interface Streams extends AsyncDisposable {
  /** Has every stream write a frame in one tick; resolves when all of them are read. */
  turn(): Promise<void>;
}

/** Opens so many streams in one tick. */
export async function openStreams(count: number): Promise<Streams> {
  await using undo = new AsyncDisposableStack();
  const opened = Promise.withResolvers<void>();
  const closing = Promise.withResolvers<void>();
  const sinks: FrameSink<Frame>[] = [];
  const definition = defineService(ProviderService, {
    invoke: streamHandler<InvokeItem, Frame, Outcome>(async (_, out) => {
      sinks.push(out);
      if (sinks.length === count) opened.resolve();
      await closing.promise;
      return {};
    }),
    countTokens: unaryHandler(async () => ({})),
  });
  const server = await startGrpcServer([definition], { host: "127.0.0.1", port: 0 });
  undo.defer(() => server.close(1_000));
  const client = createGrpcClient(ProviderService, { target: `dns:///127.0.0.1:${server.port}` });
  undo.defer(() => client.close());
  undo.defer(() => closing.resolve());
  await client.ready(10_000);
  const readers = Array.from({ length: count }, () =>
    client.invoke.open({}, { timeoutMs: 60_000 })[Symbol.asyncIterator](),
  );
  await opened.promise;
  const streams = undo.move();
  return {
    async turn() {
      const read = Promise.all(readers.map((reader) => reader.next()));
      for (const sink of sinks) sink.write({ data: new Uint8Array(100) });
      await read;
    },
    [Symbol.asyncDispose]: () => streams.disposeAsync(),
  };
}
