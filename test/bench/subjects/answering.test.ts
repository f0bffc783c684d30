import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { answering } from "./answering.ts";
import { spawnProcess } from "./spawn.ts";

const script = `require("node:http").createServer((_, answer) => answer.setHeader("content-length", 2).end("{}")).listen(Number(process.argv[1]), "127.0.0.1")`;

/** Starts a server on the ports given, one try after the other, and tells how many tries there were. */
async function startOn(ports: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), "answering-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let tries = 0;
  const started = await answering((free) => {
    const port = ports[tries] ?? free;
    tries += 1;
    const child = spawnProcess({
      command: process.execPath,
      args: ["-e", script, String(port)],
      env: {},
      outputFile: join(folder, "output.log"),
    });
    return { child, target: { host: "127.0.0.1", port, headers: {} } };
  });
  await started.child.stop();
  return tries;
}

test("a port that somebody else has taken is tried again on another; what else goes wrong is told", async () => {
  const other = createServer((_, answer) => void answer.writeHead(404, { "content-length": 0 }).end());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void other.close());
  expect(await startOn([(other.address() as AddressInfo).port])).toBe(2);
  await expect(startOn([70_000])).rejects.toThrow("ERR_SOCKET_BAD_PORT");
});
