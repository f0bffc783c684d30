import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** What a Service of Kubernetes does for clients: each new connection goes to the next pod that is ready. */
export interface Balancer {
  readonly url: string;
  set(pods: readonly { readonly host: string; readonly port: number }[]): void;
  close(): void;
}

/** Passes connections on. Those that stand stay with their pod, whatever becomes of it. */
export async function startBalancer(): Promise<Balancer> {
  let pods: readonly { readonly host: string; readonly port: number }[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    turn += 1;
    const pod = pods[turn % Math.max(1, pods.length)];
    if (pod === undefined) return void client.destroy();
    const upstream = connect({ ...pod, noDelay: true });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(ready) {
      pods = ready;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
