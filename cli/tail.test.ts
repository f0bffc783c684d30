import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

it("requests tail goes on when its gateway has ended the connection, and prints nothing twice", async () => {
  let tails = 0;
  const row = { id: "17", status: "succeeded", created_time: "", duration_ms: 1, billing: {} };
  const again = `data: ${JSON.stringify(row)}\nid: 17\n\n`;
  const gateway = createServer((request, response) => {
    if (request.url?.startsWith("/trpc/requests.tail") !== true) {
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify({ result: { data: { requests: [], details: [], next_cursor: null } } }));
    }
    tails++;
    response.setHeader("content-type", "text/event-stream");
    return response.end(`retry: 50\nevent: connected\ndata: {}\n\n${again}`);
  });
  await once(gateway.listen(0, "127.0.0.1"), "listening");
  const { port } = gateway.address() as AddressInfo;
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "requests", "tail"], {
    env: { THROUGHLINE_URL: `http://127.0.0.1:${port}`, THROUGHLINE_ADMIN_KEY: "tl-cli-any-0123456789" },
    stdio: ["inherit", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data.toString();
  });
  try {
    const ended = once(child, "exit");
    await vi.waitFor(() => expect(tails).toBeGreaterThan(2), { timeout: 10_000 });
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
    // A request that the gateway gives again after a lost connection is printed once.
    expect(out.match(/ 17 /g)).toHaveLength(1);
  } finally {
    child.kill("SIGKILL");
    gateway.close();
    gateway.closeAllConnections();
  }
}, 15_000);
