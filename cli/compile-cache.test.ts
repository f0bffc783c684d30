import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execNode = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const room = new URL("./compile-cache.ts", import.meta.url).href;

/** Where a process with such an environment keeps what was compiled, and where those that it starts do. */
async function keptIn(env: Record<string, string>): Promise<unknown> {
  const script = `
    import { execFileSync } from "node:child_process";
    import { getCompileCacheDir } from "node:module";
    import { keepCompiled } from ${JSON.stringify(room)};
    keepCompiled();
    const ask = 'console.log(require("node:module").getCompileCacheDir() ?? "")';
    const child = execFileSync(process.execPath, ["-e", ask], { encoding: "utf8" });
    console.log(JSON.stringify([getCompileCacheDir() ?? "", child.trim()]));
  `;
  const { stdout } = await execNode(process.execPath, ["--input-type=module", "-e", script], { env });
  return JSON.parse(stdout);
}

test("what Node makes of the sources is kept, however a process is started", async () => {
  const [usual, elsewhere, off] = await Promise.all([
    keptIn({}),
    keptIn({ NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "other") }),
    keptIn({ NODE_DISABLE_COMPILE_CACHE: "1" }),
  ]);
  const within = (folder: string) => expect.stringContaining(join(root, "node_modules", ".cache", folder));
  expect(usual).toEqual([within("node"), within("node")]);
  expect(elsewhere).toEqual([within("other"), within("other")]);
  expect(off).toEqual(["", ""]);
});
