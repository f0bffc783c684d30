import { connect, createServer, type Socket } from "node:net";

/** A relay before a TCP server that can stop what passes it. */
export interface Gate {
  readonly port: number;
  /** From now on nothing passes to the server; it waits at the gate. */
  holdRequests(): void;
  /** From now on nothing passes back from the server. */
  holdAnswers(): void;
  /** Cuts all connections, and with them what waits; new ones pass. */
  drop(): void;
  /** Lets pass what waits and what comes. */
  open(): void;
  close(): Promise<void>;
}

/** Which way something passes: to the server, or back. */
export type Direction = "request" | "answer";

/** Is told of each piece that comes to a gate. True: it waits there, and with it what comes behind on its connection. */
export type Watch = (direction: Direction) => boolean;

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Pieces that were stopped by a watch, with where they go. */
  readonly waiting: { readonly to: Socket; readonly bytes: Buffer }[];
}

/** Starts a relay to a port of this machine. */
export async function startGate(targetPort: number, watch: Watch = () => false): Promise<Gate> {
  const pairs = new Set<Pair>();
  let holdsRequests = false;
  let holdsAnswers = false;
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    const pair: Pair = { near, far, waiting: [] };
    pairs.add(pair);
    const pass = (direction: Direction, from: Socket, to: Socket, bytes: Buffer) => {
      if (!watch(direction)) return void to.write(bytes);
      from.pause();
      pair.waiting.push({ to, bytes });
    };
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.setNoDelay(true).on("error", end).on("close", end);
    near.on("data", (bytes: Buffer) => pass("request", near, far, bytes));
    far.on("data", (bytes: Buffer) => pass("answer", far, near, bytes));
    if (holdsRequests) near.pause();
    if (holdsAnswers) far.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the gate has no port");
  const drop = () => {
    holdsRequests = false;
    holdsAnswers = false;
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    port: address.port,
    holdRequests() {
      holdsRequests = true;
      for (const { near } of pairs) near.pause();
    },
    holdAnswers() {
      holdsAnswers = true;
      for (const { far } of pairs) far.pause();
    },
    drop,
    open() {
      holdsRequests = false;
      holdsAnswers = false;
      for (const { near, far, waiting } of pairs) {
        for (const { to, bytes } of waiting.splice(0)) to.write(bytes);
        near.resume();
        far.resume();
      }
    },
    close() {
      drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
