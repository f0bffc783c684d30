import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

it("requests tail goes on when its gateway has ended the connection", async () => {
  let tails = 0;
  const gateway = createServer((request, response) => {
    if (request.url?.startsWith("/trpc/requests.tail") !== true) {
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify({ result: { data: { requests: [], details: [], next_cursor: null } } }));
    }
    tails++;
    response.setHeader("content-type", "text/event-stream");
    return response.end("retry: 50\nevent: connected\ndata: {}\n\n");
  });
  await once(gateway.listen(0, "127.0.0.1"), "listening");
  const { port } = gateway.address() as AddressInfo;
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "requests", "tail"], {
    env: { THROUGHLINE_URL: `http://127.0.0.1:${port}`, THROUGHLINE_ADMIN_KEY: "tl-cli-any" },
    stdio: "inherit",
  });
  try {
    const ended = once(child, "exit");
    await vi.waitFor(() => expect(tails).toBeGreaterThan(2), { timeout: 10_000 });
    child.kill("SIGINT");
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
    gateway.close();
    gateway.closeAllConnections();
  }
}, 15_000);
