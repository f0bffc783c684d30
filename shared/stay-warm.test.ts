import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execNode = promisify(execFile);
const room = new URL("./stay-warm.ts", import.meta.url).href;

/** How often V8 plans to give memory back, in a process that rests after it has made garbage. */
async function plansForMemory(first: string): Promise<number> {
  const script = `
    import { stayWarm } from ${JSON.stringify(room)};
    ${first}
    let kept = [];
    for (let at = 0; at < 400_000; at += 1) kept.push({ at });
    gc();
    setTimeout(() => {}, 300);
  `;
  const flags = ["--expose-gc", "--trace-memory-reducer", "--gc-memory-reducer-start-delay-ms=1"];
  const { stdout } = await execNode(process.execPath, [...flags, "--input-type=module", "-e", script]);
  return stdout.split("\n").filter((line) => line.includes("Memory reducer: waiting")).length;
}

test("a process that rests is not collected for its memory", async () => {
  const [usual, warm] = await Promise.all([plansForMemory(""), plansForMemory("stayWarm();")]);
  expect(usual).toBeGreaterThan(0);
  expect(warm).toBe(0);
});
