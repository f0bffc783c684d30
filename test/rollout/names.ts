import { createSocket } from "node:dgram";

/** A name server that knows the addresses of pods, as a headless Service of Kubernetes has them. */
export interface Names {
  readonly port: number;
  /** The addresses of a name from now on. */
  set(name: string, addresses: readonly string[]): void;
  close(): void;
}

/** Serves names over UDP on 127.0.0.1: A records, without a life, so that nobody keeps them. */
export async function serveNames(): Promise<Names> {
  const known = new Map<string, readonly string[]>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(12, at + 5);
    const isA = query.readUInt16BE(at + 1) === 1;
    const addresses = isA ? (known.get(labels.join(".")) ?? []) : [];
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((one) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...one.split(".").map(Number)]),
    );
    socket.send(Buffer.concat([head, question, ...records]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: socket.address().port,
    set: (name, addresses) => void known.set(name, addresses),
    close: () => void socket.close(),
  };
}
