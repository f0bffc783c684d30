import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execNode = promisify(execFile);
const room = new URL("./young-allocations.ts", import.meta.url).href;

/** Of 100 new objects so many are old, made where 400,000 before them had lived on. */
async function madeOld(first: string): Promise<number> {
  const script = `
    import { keepAllocationsYoung } from ${JSON.stringify(room)};
    ${first}
    const kept = [];
    const make = (at) => { const list = [at, at + 1]; return { at, list }; };
    for (let at = 0; at < 400_000; at += 1) kept.push(make(at));
    kept.length = 0;
    for (let at = 0; at < 200_000; at += 1) make(at);
    let old = 0;
    for (let at = 0; at < 100; at += 1) if (!%InYoungGeneration(make(at).list)) old += 1;
    console.log(old);
  `;
  // Of one thread, with nothing of the environment: when V8 collects and compiles must not depend on what else runs.
  const flags = ["--allow-natives-syntax", "--single-threaded", "--min-semi-space-size=1", "--max-semi-space-size=1"];
  const { stdout } = await execNode(process.execPath, [...flags, "--input-type=module", "-e", script], { env: {} });
  return Number(stdout);
}

test("what a request makes is young, also where what was made before lived long", async () => {
  expect(await madeOld("")).toBeGreaterThan(50);
  expect(await madeOld("keepAllocationsYoung();")).toBe(0);
});
