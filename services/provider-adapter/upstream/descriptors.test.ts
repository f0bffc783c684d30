import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { rawServer } from "./testing.ts";

it("a call for which the process has no descriptor left is our fault, also the first of all; the next one goes through", async () => {
  const host = await rawServer((socket) => {
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  });
  const program = `
    import { closeSync, openSync } from "node:fs";
    import { createUpstream } from ${JSON.stringify(new URL("upstream.ts", import.meta.url).href)};
    const times = { connectTimeoutMs: 2_000, headersTimeoutMs: 10_000, chunkTimeoutMs: 10_000 };
    const upstream = createUpstream({ ...times, maxConnectionsPerOrigin: 4 });
    const ask = () => new Promise((resolve) => {
      const sink = { onHead: () => "whole", onData: () => true, onEnd: () => resolve("well"), onError: resolve };
      upstream.send({ origin: "http://${host}", path: "/", method: "GET", headers: {} }, sink);
    });
    const held = [];
    try { for (;;) held.push(openSync("/dev/null")); } catch {}
    const first = await ask();
    held.forEach(closeSync);
    console.log(JSON.stringify([first, await ask()]));
    await upstream.close();
  `;
  const child = spawn("sh", ["-c", 'ulimit -n 128; exec "$0" --input-type=module -e "$1"', process.execPath, program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  expect(JSON.parse(await text(child.stdout))).toEqual([
    { kind: "no_descriptor", sent: false, headSeen: false, detail: "EMFILE" },
    "well",
  ]);
});
