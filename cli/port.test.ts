import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("a port that is taken", () => {
  // It answers everything with 200, as a gateway that is ready does.
  const other = createServer((_request, response) => response.end("{}"));
  let folder: string;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-port-"));
    await once(other.listen(0, "127.0.0.1"), "listening");
    ({ port } = other.address() as AddressInfo);
  });
  afterAll(async () => {
    other.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(["up", "mesh"])(
    "is told by %s before it makes a key that nobody would see",
    async (mode) => {
      const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), mode], {
        env: { PATH: process.env.PATH ?? "", THROUGHLINE_DATA: folder, PORT: String(port) },
        stdio: ["ignore", "inherit", "pipe"],
      });
      let out = "";
      child.stderr.on("data", (data: Buffer) => {
        out += data.toString();
      });
      expect(await once(child, "close")).toEqual([2, null]);
      expect(out).toBe(
        `${mode === "up" ? "throughline" : mode}: 127.0.0.1:${port} is in use by another program; HOST and PORT say another\n`,
      );
      expect(await readdir(folder)).toEqual([]);
    },
    20_000,
  );
});
