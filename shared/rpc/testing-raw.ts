import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";

/** A unary call as it came. */
export interface RawCall {
  readonly path: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

/** A server of somebody else's methods: takes their calls, and answers each with an empty message. */
export async function startRawServer(paths: readonly string[]) {
  const calls: RawCall[] = [];
  const server = new Server();
  const same = (bytes: Buffer): Buffer => bytes;
  for (const path of paths) {
    const take = (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void => {
      calls.push({ path, body: call.request, headers: call.metadata.getMap() });
      answer(null, Buffer.alloc(0));
    };
    server.register(path, take, same, same, "unary");
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { endpoint: `http://127.0.0.1:${port}`, calls, stop: () => server.forceShutdown() };
}
