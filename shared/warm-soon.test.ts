import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execNode = promisify(execFile);
const room = new URL("./warm-soon.ts", import.meta.url).href;

/** Whether a function is machine code once it was called for the first time. */
async function isCompiledAtOnce(first: string): Promise<boolean> {
  const script = `
    import { warmSoon } from ${JSON.stringify(room)};
    ${first}
    const add = new Function("a", "b", "return a + b");
    add(1, 2);
    console.log(%ActiveTierIsSparkplug(add));
  `;
  const { stdout } = await execNode(process.execPath, ["--allow-natives-syntax", "--input-type=module", "-e", script]);
  return stdout.trim() === "true";
}

/** How many of 40 functions V8 copies into the one that calls them, when it optimises that one. */
async function copiedIn(first: string): Promise<number> {
  const script = `
    import { warmSoon } from ${JSON.stringify(room)};
    ${first}
    const small = Array.from({ length: 40 }, (_, at) => new Function("a", "a = a * 3 + 1; ".repeat(8) + "return a + " + at));
    const names = small.map((_, at) => "small" + at);
    const calls = names.map((name) => name + "(a)").join(" + ");
    const all = new Function(...names, "return (a) => " + calls)(...small);
    for (const each of [all, ...small]) %PrepareFunctionForOptimization(each);
    for (let at = 0; at < 10; at += 1) all(at);
    %OptimizeFunctionOnNextCall(all);
    all(1);
  `;
  const flags = ["--allow-natives-syntax", "--trace-turbo-inlining", "--no-maglev"];
  const { stdout } = await execNode(process.execPath, [...flags, "--input-type=module", "-e", script]);
  return stdout.split("\n").filter((line) => line.startsWith("Inlining ")).length;
}

test("a function is machine code from its first call on", async () => {
  expect(await isCompiledAtOnce("")).toBe(false);
  expect(await isCompiledAtOnce("warmSoon();")).toBe(true);
});

test("fewer functions are copied into one that is optimised", async () => {
  const [usual, fewer] = await Promise.all([copiedIn(""), copiedIn("warmSoon();")]);
  expect(usual).toBeGreaterThan(0);
  expect(fewer).toBeLessThan(usual);
});
