import { connect, createServer, type Socket } from "node:net";

/** A relay before PostgreSQL that loses what the test says. */
export interface LosingRelay extends AsyncDisposable {
  /** The database's address by way of it. */
  readonly url: string;
  /** The next statement of this name that changes rows is run, and its connection breaks before the answer. Resolves when that has happened. */
  loseAnswer(statement: string): Promise<void>;
  /** Breaks all connections and takes no new ones. */
  cut(): void;
  /** Takes connections again. */
  mend(): void;
}

interface Wanted {
  readonly name: string;
  readonly done: () => void;
}

/** Starts one. A statement is known by its name, which each Bind of the protocol bears. */
export async function startLosingRelay(databaseUrl: string): Promise<LosingRelay> {
  const { port, hostname } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  let wanted: Wanted | undefined;
  const server = createServer((near) => {
    if (isCut) return void near.resetAndDestroy();
    const far = connect(Number(port), hostname);
    let lost: Wanted | undefined;
    const held: Buffer[] = [];
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.on("data", (bytes) => {
      if (wanted !== undefined && bytes.includes(`\0${wanted.name}\0`)) {
        lost = wanted;
        wanted = undefined;
      }
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      if (lost === undefined) return void near.write(bytes);
      held.push(bytes);
      // The tag of CommandComplete says which command has changed something.
      const [, rows] = /UPDATE (\d+)\0/.exec(Buffer.concat(held).toString("latin1")) ?? [];
      if (rows === undefined) return;
      if (rows === "0") {
        near.write(Buffer.concat(held.splice(0)));
        wanted = lost;
        lost = undefined;
        return;
      }
      near.destroy();
      lost.done();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    loseAnswer: (name) => new Promise((done) => (wanted = { name, done })),
    cut,
    mend: () => {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
