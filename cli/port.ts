import { createServer } from "node:net";
import { listenFault } from "../shared/listen-fault.ts";

/**
 * Refuses a port that something else listens on, before anything is started or made: the first keys are shown once, when
 * all is up, and a mesh would take another program's answer for its gateway's. Port 0 is any free one.
 */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  }).catch((cause: unknown) => {
    throw listenFault(`${host}:${port}`, ["HOST", "PORT"], cause);
  });
  await new Promise((resolve) => server.close(resolve));
}
