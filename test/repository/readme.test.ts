import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { catalogue, errorCodes } from "../../shared/errors/catalogue.ts";
import { declaredEnv } from "./declared-env.ts";
import { tables, withTables } from "./readme-tables.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");
const documents = [
  "README.md",
  "README.zh-CN.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
].filter((path) => path.endsWith(".md"));

/** A fenced block with its name: ```bash test=first-call. */
interface Block {
  readonly language: string;
  readonly name: string;
  readonly code: string;
}
const blocksOf = (text: string): readonly Block[] =>
  [...text.matchAll(/^```(\w+)(?: test=([\w-]+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", name = "", code = ""]) => ({ language, name, code }),
  );
const blocks = blocksOf(readme);
const block = (name: string): Block => {
  const found = blocks.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`the README has no block "${name}"`);
  return found;
};

/** Blocks that no test here runs, each with the reason. */
const notRun: Readonly<Record<string, string>> = {
  clone: "the tests run in a clone",
  start: "run by the set-up of these tests, and stopped after them",
  address: "the address and the key that the set-up was told take its place",
  "first-answer": "compared with what the first call gives",
  "failing-answer": "compared with what the failing call gives",
  "openai-python": "Python and its packages are not among the dependencies; the Node example is the same call",
  "real-upstream": "needs a vendor's key; test/conformance/aimock.test.ts does it with an upstream that is not ours",
  compose: "needs a container engine; compose-processes.test.ts runs what the containers would",
  kubernetes: "needs kubectl; kubernetes.test.ts runs it where it is installed",
  tests: "would run itself",
};

describe("what the documents say", () => {
  test.each(documents)("the tables of %s are those of the code", (path) => {
    const text = read(path);
    const wanted = withTables(text);
    if (process.env.UPDATE_README === "1") writeFileSync(join(root, path), wanted);
    // To mend: UPDATE_README=1 npx vitest run test/repository/readme.test.ts
    else expect(text).toBe(wanted);
  });

  test("every generated table is in a document", () => {
    const all = documents.map(read).join("\n");
    for (const name of Object.keys(tables)) expect(all).toContain(`<!-- table: ${name} -->`);
  });

  test("the error table has every code of the catalogue, and no other", () => {
    const rows = [...read("docs/errors.md").matchAll(/^\| \(?(\d+)[^|]*\| `(\w+)` \| `(\w+)` \|/gm)];
    expect(rows.map(([, , code]) => code)).toEqual([...errorCodes]);
    for (const [, status, code = "", type] of rows) {
      expect({ code, status: Number(status), type }).toEqual({
        code,
        status: catalogue[code as keyof typeof catalogue].httpStatus,
        type: catalogue[code as keyof typeof catalogue].type,
      });
    }
  });

  test("the configuration table has every variable that the code declares", () => {
    const listed = new Set(
      [...read("docs/configuration.md").matchAll(/^\| `([A-Z_0-9]+)` \|/gm)].map(([, name]) => name),
    );
    const declared = new Set(declaredEnv.flatMap(({ variables }) => Object.keys(variables)));
    expect([...listed].sort()).toEqual([...declared].sort());
    for (const { file } of declaredEnv) expect(read(file)).toContain("declareEnv(");
    expect(declarations()).toEqual(declaredEnv.map(({ file }) => file).sort());
  });

  test("a duration that a timer waits for is bounded: Node takes one of 25 days for a millisecond", () => {
    // Twice: a stopping gateway waits for its grace two times, and some more.
    const longestMs = (2 ** 31 - 1) / 2 - 60_000;
    const unbounded = declaredEnv.flatMap(({ variables }) =>
      Object.entries(variables).flatMap(([name, variable]) =>
        variable.kind === "duration" && !((variable.max ?? Number.POSITIVE_INFINITY) <= longestMs) ? [name] : [],
      ),
    );
    // Compared with the time in an ID, never waited for.
    const compared = [
      "HISTORY_RETENTION",
      "HISTORY_PAYLOAD_RETENTION",
      "HISTORY_REQUEST_RETENTION",
      "HISTORY_PARTITION",
      "HISTORY_PAYLOAD_PARTITION",
      "JOBS_RETENTION",
    ];
    expect(unbounded).toEqual(compared);
  });

  test.each(documents)("the links of %s lead somewhere", (path) => {
    for (const [, link = ""] of read(path).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue;
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      expect([link, existsSync(join(root, target))]).toEqual([link, true]);
      if (anchor !== undefined) expect([link, anchorsOf(read(target)).includes(anchor)]).toEqual([link, true]);
    }
  });

  test("the README is short: what is looked up stands in docs/", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(251);
  });

  test("the Chinese README has the same blocks, headings and links in the same order", () => {
    const chinese = read("README.zh-CN.md");
    expect(blocksOf(chinese)).toEqual(blocks);
    const outline = (text: string) => [...text.matchAll(/^(#+) /gm)].map(([, level]) => level);
    expect(outline(chinese)).toEqual(outline(readme));
    const links = (text: string) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
    const both = ["README.md", "README.zh-CN.md"];
    expect(links(chinese).filter((link = "") => !both.includes(link))).toEqual(
      links(readme).filter((link = "") => !both.includes(link)),
    );
  });

  test("every block has a name, and is run or excused", () => {
    const named = blocks.map(({ name, code }) => name || code);
    const run = [...session, "openai-node", "anthropic-node", "dot-env"];
    expect(named.toSorted()).toEqual([...run, ...Object.keys(notRun)].toSorted());
  });
});

/** Blocks of the shell, run one after the other in one session, as a reader would. */
const session = ["first-call", "first-stream", "keys", "credits", "failing-call", "life", "history"];

describe("what the README does", () => {
  let started: ChildProcess;
  let folder: string;
  let env: Readonly<Record<string, string>>;
  let outputs: ReadonlyMap<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-readme-"));
    const base = { PATH: process.env.PATH ?? "", HOME: folder, THROUGHLINE_DATA: join(folder, "data"), PORT: "0" };
    started = spawn("sh", ["-c", `exec ${block("start").code}`], {
      cwd: root,
      env: base,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = await welcomeOf(started);
    env = { ...base, THROUGHLINE_URL: said.url, THROUGHLINE_KEY: said.key };
    outputs = await runSession(env, folder);
  }, 180_000);

  afterAll(async () => {
    if (started.exitCode === null) {
      started.kill("SIGTERM");
      await once(started, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const output = (name: string): string => outputs.get(name) ?? "";

  test("the first call answers as shown", () => {
    const shown = httpOf(block("first-answer").code);
    const got = httpOf(output("first-call"));
    expect(got.status).toBe(shown.status);
    expect([...got.headers.keys()]).toEqual([...shown.headers.keys()]);
    const id = got.headers.get("x-oneapi-request-id");
    expect(id).toMatch(/^\d{18,19}$/);
    expect([got.headers.get("request-id"), got.headers.get("x-request-id")]).toEqual([id, id]);
    expect(got.headers.get("x-trace-id")).toMatch(
      new RegExp(
        `^${BigInt(id ?? 0)
          .toString(16)
          .padStart(16, "0")}`,
      ),
    );
    expect(JSON.parse(got.body)).toMatchObject({ id: `chatcmpl-${id}` });
    expect(shapeOf(JSON.parse(got.body))).toEqual(expect.arrayContaining(shapeOf(JSON.parse(shown.body))));
  });

  test("the stream ends with its usage", () => {
    const events = output("first-stream").trim().split("\n\n");
    expect(events.at(-1)).toBe("data: [DONE]");
    expect(JSON.parse(events.at(-2)?.slice("data: ".length) ?? "")).toMatchObject({
      usage: { latency_checkpoint: { total_duration_ms: expect.any(Number) } },
    });
  });

  test("the failing call fails as shown", () => {
    const shown: unknown = JSON.parse(block("failing-answer").code);
    const got = JSON.parse(output("failing-call")) as { error: { type: string; code: string } };
    expect(shapeOf(got)).toEqual(shapeOf(shown));
    const { type, code } = got.error;
    expect(shown).toMatchObject({ error: { type, code } });
  });

  test("the life of the failed request tells its attempts", () => {
    const life: unknown = JSON.parse(output("life"));
    expect(life).toMatchObject({
      status: "failed",
      error: { code: "upstream_overloaded" },
      route: [{ channel: "simulator", chosen: true }],
      attempts: [{ http_status: 503, error: { code: "upstream_overloaded" } }],
      billing: { billed_usd: "0", reason: "failed_before_first_token" },
    });
    expect(JSON.parse(output("history"))).toMatchObject({ data: [{ status: "failed" }], has_more: false });
  });

  test("keys and credit are managed as shown", () => {
    expect(output("keys")).toMatch(/tl-[A-Za-z0-9]{43}/);
    expect(output("keys")).toContain("my-app");
    expect(output("credits")).toContain("invoice-17");
    expect(output("credits")).toContain("every balance is the sum of its ledger");
  });

  test("the table of commands has every command that there is, and no other", async () => {
    const node = join(root, "node_modules/.bin/node");
    const child = spawn(node, ["cli/main.ts", "--help"], { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
    const help = await readText(child.stdout);
    const there = [...help.slice(help.indexOf("Commands:")).matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    const rows = [...read("docs/cli.md").matchAll(/^\| ((?:`[a-z]+`(?:, )?)+) \|/gm)].map(([, names = ""]) => names);
    const told = rows.flatMap((names) => names.replaceAll("`", "").split(", "));
    expect(told.toSorted()).toEqual(there.filter((name) => name !== "help").toSorted());
  });

  test.each(["openai-node", "anthropic-node"])("the SDK example %s runs as it stands", async (name) => {
    const node = join(root, "node_modules/.bin/node");
    const child = spawn(node, ["--input-type=module"], { cwd: root, env, stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(block(name).code);
    expect(await readText(child.stdout)).toMatch(/^\d{18,19} .*simulated/);
  });

  test("the .env has what docker-compose.yml requires", async () => {
    const place = await mkdtemp(join(tmpdir(), "throughline-env-"));
    onTestFinished(() => rm(place, { recursive: true, force: true }));
    const child = spawn("bash", ["-ec", block("dot-env").code], { cwd: place, stdio: "inherit" });
    expect((await once(child, "exit"))[0]).toBe(0);
    const lines = (await readFile(join(place, ".env"), "utf8")).trim().split("\n");
    const values = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    const required = [...read("docker-compose.yml").matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    expect([...values.keys()]).toEqual(expect.arrayContaining(required));
    expect(Buffer.from(values.get("CREDENTIAL_KEY") ?? "", "base64")).toHaveLength(32);
    for (const value of values.values()) expect(value.length).toBeGreaterThanOrEqual(16);
    expect(parse(read("docker-compose.yml"), { merge: true })).toBeDefined();
  });
});

/** Address and key as the start prints them. What it says later is read and dropped: a full pipe would stall it. */
function welcomeOf(child: ChildProcess): Promise<{ url: string; key: string }> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      if (said.includes("curl -i")) return;
      said += chunk;
      const url = /Base URL +(\S+)\/v1/.exec(said)?.[1];
      const key = /API key +(tl-\S+)/.exec(said)?.[1];
      if (url !== undefined && key !== undefined && said.includes("curl -i")) resolve({ url, key });
    });
    child.once("exit", (code) => reject(new Error(`it ended with ${code}:\n${said}`)));
  });
}

/** Runs the blocks of the session in one shell; their outputs by name. */
async function runSession(env: Readonly<Record<string, string>>, folder: string): Promise<Map<string, string>> {
  const mark = "=== block: ";
  const script = session
    .map((name) => `echo; echo "${mark}${name}"\n${block(name).code}`)
    .join("\n")
    .replaceAll("/tmp/", `${folder}/`);
  const child = spawn("bash", ["-eu", "-o", "pipefail", "-c", script], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, [code]] = await Promise.all([readText(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`the session ended with ${code}:\n${said}`);
  const parts = said.split(mark).slice(1);
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1).trimEnd()]),
  );
}

/** An answer as `curl -i` prints it. */
function httpOf(printed: string): { status: string; headers: Map<string, string>; body: string } {
  const [head = "", body = ""] = printed.replaceAll("\r", "").split(/\n\n([\s\S]*)/);
  const [statusLine = "", ...lines] = head.split("\n");
  const headers = lines
    .map((line) => line.split(/: (.*)/s))
    .map(([name = "", value = ""]) => [name.toLowerCase(), value] as const);
  return { status: statusLine.trim(), headers: new Map(headers), body };
}

/** Paths of all fields of a JSON value, in order. */
function shapeOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value)
    .flatMap(([name, inner]) => shapeOf(inner, `${path}.${name}`))
    .sort();
}

/** Anchors of a document's headings, as they are shown on the web. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

/** Files of the product that declare variables of the environment. */
function declarations(): string[] {
  const found: string[] = [];
  for (const room of ["cli", "gateway", "services", "shared"]) {
    for (const path of readdirSync(join(root, room), { recursive: true, encoding: "utf8" })) {
      const file = `${room}/${path}`;
      if (!file.endsWith(".ts") || file.endsWith(".test.ts") || file === "shared/config-declare.ts") continue;
      if (/= declareEnv\(/.test(read(file))) found.push(file);
    }
  }
  return found.sort();
}
