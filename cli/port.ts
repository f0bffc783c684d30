import { createServer } from "node:net";

/**
 * Refuses a port that something else listens on, before anything is started or made: the first keys are shown once, when
 * all is up, and a mesh would take another program's answer for its gateway's. Port 0 is any free one.
 */
export async function assertPortFree(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${cause.code})`;
    throw new Error(`${host}:${port} ${why}; HOST and PORT say another`, { cause });
  });
  await new Promise((resolve) => server.close(resolve));
}
