import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execNode = promisify(execFile);
const room = new URL("./young-allocations.ts", import.meta.url).href;

/** How many of 100 new objects are in the old generation, where the 400,000 made before them have survived. */
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
  // One thread and an empty environment: V8's collections and compilations must not depend on other work.
  const flags = ["--allow-natives-syntax", "--single-threaded", "--min-semi-space-size=1", "--max-semi-space-size=1"];
  const { stdout } = await execNode(process.execPath, [...flags, "--input-type=module", "-e", script], { env: {} });
  return Number(stdout);
}

test("what a request makes is young, also where what was made before lived long", async () => {
  expect(await madeOld("")).toBeGreaterThan(50);
  expect(await madeOld("keepAllocationsYoung();")).toBe(0);
});
