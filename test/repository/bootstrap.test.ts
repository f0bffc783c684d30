import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

const ours = ["cli/bootstrap.mjs", "cli/install-lock.mjs", "cli/trim.mjs"];

/** What the fixture's cli/main.ts does, by its first argument. Its type annotations need a Node that strips them. */
const main = `
const [what, ...rest]: string[] = process.argv.slice(2);
const actions: Record<string, () => void> = {
  show: () => process.stdout.write(JSON.stringify({ rest, path: process.env.PATH })),
  exit: () => process.exit(Number(rest[0])),
  echo: () => process.stdin.pipe(process.stdout),
  wait: () => {
    let signals = 0;
    process.on("SIGTERM", () => { signals++; setTimeout(() => process.exit(40 + signals), 50); });
    setInterval(() => {}, 1_000);
    process.stdout.write("ready");
  },
  abort: () => process.kill(process.pid, "SIGKILL"),
};
actions[what ?? ""]?.();
`;

/** A clone in small: our bootstrap, and a "node" among the dependencies that npm installs without a registry. */
function fixture(): string {
  const dir = mkdtempSync(join(tmpdir(), "bootstrap-"));
  const write = (path: string, text: string, mode = 0o644) => writeFileSync(join(dir, path), text, { mode });
  mkdirSync(join(dir, "cli"));
  mkdirSync(join(dir, "fake-node"));
  for (const path of ours) copyFileSync(new URL(`../../${path}`, import.meta.url), join(dir, path));
  write("cli/main.ts", main);
  write("fake-node/package.json", JSON.stringify({ name: "node", version: "24.0.0", bin: { node: "node.sh" } }));
  write("fake-node/node.sh", `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, 0o755);
  const devDependencies = { node: "file:./fake-node" };
  mkdirSync(join(dir, "fake-part"));
  write("fake-part/package.json", JSON.stringify({ name: "part", version: "1.0.0" }));
  const dependencies = { part: "file:./fake-part" };
  write(
    "package.json",
    JSON.stringify({ name: "fixture", type: "module", private: true, dependencies, devDependencies }),
  );
  const packages = {
    "": { name: "fixture", dependencies, devDependencies },
    "fake-part": { name: "part", version: "1.0.0" },
    "node_modules/part": { resolved: "fake-part", link: true },
    "fake-node": { name: "node", version: "24.0.0", dev: true, bin: { node: "node.sh" } },
    "node_modules/node": { resolved: "fake-node", link: true },
  };
  write("package-lock.json", JSON.stringify({ name: "fixture", lockfileVersion: 3, requires: true, packages }));
  return dir;
}

/** A package as a registry gives it: a tarball, whose files npm lays out one by one. */
function pack(dir: string, name: string, files: readonly string[]): void {
  const folder = join(dir, "packing", "package");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
  for (const file of files) writeFileSync(join(folder, file), "");
  execFileSync("tar", ["-czf", join(dir, `${name}.tgz`), "-C", join(dir, "packing"), "package"]);
  rmSync(join(dir, "packing"), { recursive: true });
}

interface Run {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly done: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

const running: ChildProcess[] = [];
const dirs: string[] = [];

function clone(): string {
  const dir = fixture();
  dirs.push(dir);
  return dir;
}

function start(dir: string, args: string[], env: Record<string, string> = {}, input = ""): Run {
  const { npm_execpath: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ["cli/bootstrap.mjs", ...args], {
    cwd: dir,
    env: { ...inherited, NODE_ENV: "production", npm_config_update_notifier: "false", ...env },
  });
  running.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdin.end(input);
  const done = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, done, stderr: () => stderr };
}

/** A stand-in for npm that logs when it runs and ends when the file `go` appears: installs that can be held open. */
function heldNpm(dir: string): Record<string, string> {
  mkdirSync(join(dir, "npm"));
  writeFileSync(
    join(dir, "npm/npm-cli.js"),
    `const fs = require("node:fs");
    const log = (word) => fs.appendFileSync("npm.log", word + " " + process.pid + "\\n");
    log("start");
    const finish = () => {
      if (!fs.existsSync("go")) return;
      clearInterval(timer);
      fs.mkdirSync("node_modules/.bin", { recursive: true });
      fs.writeFileSync("node_modules/.package-lock.json", "{}");
      log("end");
    };
    const timer = setInterval(finish, 10);`,
  );
  writeFileSync(join(dir, "npm/package.json"), `{"type":"commonjs"}`);
  return { npm_execpath: join(dir, "npm/npm-cli.js") };
}

const npmLog = (dir: string) => (existsSync(join(dir, "npm.log")) ? readFileSync(join(dir, "npm.log"), "utf8") : "");

/** Resolves when a change under `dir` makes the condition true. */
async function until(dir: string, condition: () => boolean): Promise<void> {
  const watcher = watch(dir);
  try {
    while (!condition()) await once(watcher, "change");
  } finally {
    watcher.close();
  }
}

/** Resolves when the run has written `text` to stderr. */
async function said(run: Run, text: string): Promise<void> {
  while (!run.stderr().includes(text)) await once(run.child.stderr as NodeJS.ReadableStream, "data");
}

afterEach(() => {
  for (const child of running.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

describe("the console", () => {
  /** Builds of the console in small: each writes a line, and the second is told that nothing is to be done. */
  const consoleIn = (dir: string, body: string) => {
    mkdirSync(join(dir, "console"));
    writeFileSync(
      join(dir, "console/build.mjs"),
      `export const isConsoleBuilt = () => false; export async function buildConsole(node, say) { ${body} }`,
    );
  };

  test("is built before a gateway starts, and before nothing else", async () => {
    const dir = clone();
    consoleIn(dir, `say("building with " + node);`);
    writeFileSync(join(dir, "cli/main.ts"), `process.stdout.write(process.argv[2]);`);
    for (const command of ["up", "mesh", "gateway"]) {
      const { code, stdout, stderr } = await start(dir, [command]).done;
      expect([code, stdout]).toEqual([0, command]);
      expect(stderr).toContain("throughline: building with ");
      expect(stderr).toContain(process.execPath);
    }
    for (const args of [["requests"], ["--run", "node", "-e", "0"]]) {
      expect((await start(dir, args).done).stderr).not.toContain("building");
    }
  });

  test("that cannot be built is told of, and the gateway starts without it", async () => {
    const dir = clone();
    consoleIn(dir, `throw new Error("no such module");`);
    writeFileSync(join(dir, "cli/main.ts"), `process.stdout.write("runs");`);
    const { code, stdout, stderr } = await start(dir, ["up"]).done;
    expect([code, stdout]).toEqual([0, "runs"]);
    expect(stderr).toContain("throughline: no such module\nthroughline: goes on without the console");
  });
});

describe("a fresh clone", () => {
  test("installs by real npm once, then starts at once, and installs again after a changed lock only", async () => {
    const dir = clone();
    const lock = readFileSync(join(dir, "package-lock.json"));
    const first = await start(dir, ["show", "a b", "--flag"]).done;
    expect(first).toMatchObject({ code: 0 });
    expect(first.stderr).toContain("dependencies installed");
    const shown = JSON.parse(first.stdout);
    expect(shown.rest).toEqual(["a b", "--flag"]);
    expect(shown.path.split(":")[0]).toBe(join(dir, "node_modules/.bin"));
    expect(readFileSync(join(dir, "package-lock.json")).equals(lock)).toBe(true);

    expect(await start(dir, ["exit", "0"]).done).toMatchObject({ code: 0, stderr: "" });

    const later = Date.now() / 1_000 + 60;
    utimesSync(join(dir, "package-lock.json"), later, later);
    expect(await start(dir, ["exit", "0"]).done).toMatchObject({ code: 0, stderr: "" });

    writeFileSync(join(dir, "package-lock.json"), `${lock}\n`);
    utimesSync(join(dir, "package-lock.json"), later, later);
    expect((await start(dir, ["exit", "0"]).done).stderr).toContain("dependencies installed");
  }, 60_000);

  test("installs what runs, and the rest with the first tool; an update leaves what is there", async () => {
    const dir = clone();
    const has = (name: string) => existsSync(join(dir, "node_modules", name));
    const first = await start(dir, ["exit", "0"]).done;
    expect([first.stderr, has("part"), has("node")]).toEqual([
      expect.stringContaining("installing what runs"),
      true,
      false,
    ]);
    const tool = await start(dir, ["--run", "node", "-e", "0"]).done;
    expect([tool.code, has("part"), has("node")]).toEqual([0, true, true]);
    expect(tool.stderr).toContain("installing the dependencies, those of the tests too");
    expect(await start(dir, ["--run", "node", "-e", "0"]).done).toMatchObject({ code: 0, stderr: "" });
    const later = Date.now() / 1_000 + 60;
    writeFileSync(join(dir, "package-lock.json"), `${readFileSync(join(dir, "package-lock.json"), "utf8")}\n`);
    utimesSync(join(dir, "package-lock.json"), later, later);
    const updated = await start(dir, ["exit", "0"]).done;
    expect([updated.stderr, has("node")]).toEqual([expect.stringContaining("those of the tests too"), true]);
  }, 60_000);

  test("keeps what runs, takes away what only built the console, and brings all back for the first tool", async () => {
    const dir = clone();
    const has = (...names: string[]) => names.filter((name) => existsSync(join(dir, "node_modules", name)));
    mkdirSync(join(dir, "console"));
    const builder = `import { existsSync, writeFileSync } from "node:fs";
      export const isConsoleBuilt = () => existsSync("console/dist.txt");
      export async function buildConsole() {
        if (!existsSync("node_modules/vite/index.js")) throw new Error("no builder");
        writeFileSync("console/dist.txt", "");
      }`;
    writeFileSync(join(dir, "console/build.mjs"), builder);
    // By absolute paths: what is for the tests is laid out in another folder first.
    for (const name of ["part", "vite", "node"])
      pack(dir, name, ["index.js", "index.d.ts", "index.js.map", "LICENSE.md"]);
    const at = (name: string) => `file:${join(dir, `${name}.tgz`)}`;
    const [dependencies, devDependencies] = [{ part: at("part") }, { node: at("node") }];
    const manifest = { name: "fixture", type: "module", private: true, dependencies, devDependencies };
    const root = { ...manifest, workspaces: ["console"] };
    const workspace = { name: "console", version: "1.0.0", dependencies: { vite: at("vite") } };
    const packages = {
      "": root,
      console: workspace,
      "node_modules/console": { resolved: "console", link: true },
      "node_modules/part": { version: "1.0.0", resolved: at("part") },
      "node_modules/vite": { version: "1.0.0", resolved: at("vite") },
      "node_modules/node": { version: "1.0.0", resolved: at("node"), dev: true },
    };
    writeFileSync(join(dir, "package.json"), JSON.stringify(root));
    writeFileSync(join(dir, "console/package.json"), JSON.stringify(workspace));
    writeFileSync(join(dir, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, requires: true, packages }));
    writeFileSync(join(dir, "cli/main.ts"), `process.stdout.write(process.argv[2]);`);
    const whole = ["part/index.js", "part/LICENSE.md", "part/index.d.ts", "part/index.js.map", "vite/index.js", "node"];

    const first = await start(dir, ["up"]).done;
    expect(first).toMatchObject({ code: 0, stdout: "up" });
    expect([first.stderr, has(...whole)]).toEqual([
      expect.not.stringContaining("without the console"),
      ["part/index.js", "part/LICENSE.md"],
    ]);
    expect(await start(dir, ["up"]).done).toMatchObject({ code: 0, stderr: "" });

    rmSync(join(dir, "console/dist.txt"));
    const rebuilt = await start(dir, ["up"]).done;
    expect([rebuilt.stderr, has("vite")]).toEqual([expect.not.stringContaining("without the console"), []]);
    expect(existsSync(join(dir, "console/dist.txt"))).toBe(true);

    expect((await start(dir, ["--run", "node", "-e", "0"]).done).code).toBe(0);
    expect(has(...whole)).toEqual(whole);
    expect(existsSync(join(dir, "node_modules.old"))).toBe(false);
    expect(await start(dir, ["up"]).done).toMatchObject({ code: 0, stderr: "" });
    expect(has(...whole)).toEqual(whole);
  }, 60_000);

  test("says that npm failed and stops", async () => {
    const dir = clone();
    mkdirSync(join(dir, "npm"));
    writeFileSync(join(dir, "npm/npm-cli.js"), "process.exit(3)");
    const outcome = await start(dir, ["show"], { npm_execpath: join(dir, "npm/npm-cli.js") }).done;
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toContain("npm install failed (3)");
    expect(existsSync(join(dir, "node_modules"))).toBe(false);
  });

  test("says in one line where it may not write", async () => {
    const dir = clone();
    // A file in the folder's place: permissions would not keep root out.
    writeFileSync(join(dir, ".throughline"), "");
    const { code, stderr } = await start(dir, ["show"]).done;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^throughline: E[A-Z]+: .*\.throughline'\n$/);
  });
});

describe("several at once", () => {
  test("install one time, the others wait", async () => {
    const dir = clone();
    const env = heldNpm(dir);
    const runs = [1, 2, 3].map(() => start(dir, ["exit", "0"], env));
    await Promise.any(runs.map((run) => said(run, "installing")));
    await until(dir, () => npmLog(dir) !== "");
    await Promise.any(runs.map((run) => said(run, "waiting")));
    writeFileSync(join(dir, "go"), "");
    for (const outcome of await Promise.all(runs.map((run) => run.done))) expect(outcome.code).toBe(0);
    expect(npmLog(dir)).toMatch(/^start (\d+)\nend \1\n$/);
  });

  test("a killed one leaves no lock behind, but its npm still counts", async () => {
    const dir = clone();
    const env = heldNpm(dir);
    const killed = start(dir, ["exit", "0"], env);
    await until(dir, () => npmLog(dir) !== "");
    killed.child.kill("SIGKILL");
    await once(killed.child, "exit");
    const second = start(dir, ["exit", "0"], env);
    await said(second, "waiting");
    writeFileSync(join(dir, "go"), "");
    expect((await second.done).code).toBe(0);
    // The npm that outlived its bootstrap finished the work: nothing was left to install.
    expect(npmLog(dir)).toMatch(/^start (\d+)\nend \1\n$/);
  });

  test("the lock of a process that is no more is taken over", async () => {
    const dir = clone();
    const gone = spawn(process.execPath, ["-e", ""]);
    await once(gone, "exit");
    mkdirSync(join(dir, ".throughline/install.lock"), { recursive: true });
    writeFileSync(join(dir, `.throughline/install.lock/${gone.pid}.nonce`), "");
    writeFileSync(join(dir, "go"), "");
    const outcome = await start(dir, ["exit", "5"], heldNpm(dir)).done;
    expect(outcome.code).toBe(5);
    expect(outcome.stderr).not.toContain("waiting");
  });
});

describe("what it runs", () => {
  /** A clone whose dependencies are there. */
  function installed(): string {
    const dir = clone();
    mkdirSync(join(dir, "node_modules/.bin"), { recursive: true });
    mkdirSync(join(dir, "node_modules/node"));
    writeFileSync(join(dir, "node_modules/.package-lock.json"), "{}");
    writeFileSync(join(dir, "node_modules/.bin/tool"), '#!/bin/sh\necho "tool $*"\nexit 9\n', { mode: 0o755 });
    return dir;
  }

  test("gives its exit code, its output and its input", async () => {
    const dir = installed();
    expect(await start(dir, ["exit", "7"]).done).toMatchObject({ code: 7, stdout: "", stderr: "" });
    expect(await start(dir, ["echo"], {}, "through").done).toMatchObject({ code: 0, stdout: "through" });
    expect(await start(dir, ["--run", "tool", "a", "-b"]).done).toMatchObject({ code: 9, stdout: "tool a -b\n" });
    expect(await start(dir, ["--run", "node", "-p", "6*7"]).done).toMatchObject({ code: 0, stdout: "42\n" });
  });

  test("gets each signal once, and its death by a signal is ours", async () => {
    const dir = installed();
    const run = start(dir, ["wait"]);
    await once(run.child.stdout as NodeJS.ReadableStream, "data");
    run.child.kill("SIGTERM");
    expect(await run.done).toMatchObject({ code: 41, signal: null });
    expect(await start(dir, ["abort"]).done).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test.each([["nope"], ["../bin/sh"]])("is refused when it is no tool of ours: %s", async (tool) => {
    const outcome = await start(installed(), ["--run", tool]).done;
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/no tool|usage/);
  });
});
