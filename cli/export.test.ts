import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync, watch } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { statement } from "../shared/db/index.ts";
import { type Deployment, startDeployment } from "../test/e2e/deployment.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const adminKey = "tl-cli-test-0123456789abcdef";
const countRecords = statement("count_records", "select count(*)::integer as records from history.record");
/** Two pages of an export are 400. */
const requests = 450;

const undo = new AsyncDisposableStack();
let deployment: Deployment;
let folder: string;
/** Between the export and the gateway, so that the export can be ended while it asks. */
interface Gate {
  url: string;
  /** Pages that the running export has asked for. */
  pages: number;
  /** Told of each page before it is asked for; true: only half of it is sent. */
  onPage: (page: number) => boolean;
  onHalf: () => void;
}
const calm: Omit<Gate, "url"> = { pages: 0, onPage: () => false, onHalf: () => undefined };
const gate: Gate = { url: "", ...calm };

beforeAll(async () => {
  deployment = undo.use(await startDeployment("up", { THROUGHLINE_ADMIN_KEY: adminKey }));
  folder = await mkdtemp(join(tmpdir(), "throughline-export-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const server = createServer(async (request, response) => {
    const half = request.url?.includes("requests.export") === true && gate.onPage(++gate.pages);
    const { authorization = "" } = request.headers;
    const answer = await fetch(`${deployment.url}${request.url}`, { headers: { authorization } });
    const body = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { "content-type": "application/json", "content-length": body.length });
    if (half) response.write(body.subarray(0, body.length / 2), () => gate.onHalf());
    else response.end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  undo.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  gate.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 90_000);
afterAll(() => undo.disposeAsync());

const file = () => join(folder, "requests.ndjson");
const size = (): number => statSync(file(), { throwIfNoEntry: false })?.size ?? 0;

/** Runs the export; `kill` is told its process, to end it when it likes. Gives the exit code; null: it was killed. */
async function exported(kill: (child: ChildProcess) => void = () => undefined): Promise<number | null> {
  Object.assign(gate, calm);
  const args = ["export", "--from", "1h", "--out", file(), "--resume", join(folder, "cursor")];
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), ...args], {
    env: { PATH: process.env.PATH ?? "", THROUGHLINE_URL: gate.url, THROUGHLINE_ADMIN_KEY: adminKey },
    stdio: "ignore",
  });
  kill(child);
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

/** Requests of mixed length, which succeed and fail: their ends come in another order than they came. */
async function send(states: Map<string, string>): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < requests; n = next++) {
      const model = n % 9 === 0 ? "sim-status-400" : n % 10 === 0 ? "sim-slow-first-token-200" : "gpt-4o";
      const messages = [{ role: "user", content: "Hello" }];
      const response = await deployment.call("/v1/chat/completions", { model, messages });
      await response.text();
      states.set(response.headers.get("request-id") ?? "", response.ok ? "succeeded" : "failed");
    }
  };
  await Promise.all(Array.from({ length: 16 }, client));
}

it("goes on after it was killed, at whatever moment, and has each request once in its last state", async () => {
  const states = new Map<string, string>();
  const sent = send(states);
  // While half of a page is there.
  const atHalf = await exported((child) => {
    gate.onPage = () => true;
    gate.onHalf = () => child.kill("SIGKILL");
  });
  await sent;
  const stored = async () => (await deployment.db.query<{ records: number }>(countRecords, []))[0]?.records;
  await vi.waitFor(async () => expect(await stored()).toBe(requests), { timeout: 15_000 });
  // When a page is written and noted, and the next is on its way.
  const atNext = await exported((child) => {
    gate.onPage = (page) => page === 2 && child.kill("SIGKILL");
  });
  // When a page is in the file and not yet noted: nobody reads what the note is first written to, so the export waits there.
  const before = size();
  const note = join(folder, "cursor.new");
  execFileSync("mkfifo", [note]);
  const atLines = await exported((child) => {
    const watching = watch(folder, () => size() > before && child.kill("SIGKILL"));
    child.once("close", () => watching.close());
  });
  expect(size()).toBeGreaterThan(before);
  await rm(note);
  expect([atHalf, atNext, atLines]).toEqual([null, null, null]);
  expect(await exported()).toBe(0);
  expect(await exported()).toBe(0);

  const lines = (await readFile(file(), "utf8")).trimEnd().split("\n");
  const found = lines.map((line) => JSON.parse(line) as { id: string; status: string });
  expect(found).toHaveLength(requests);
  expect(new Map(found.map(({ id, status }) => [id, status]))).toEqual(states);
}, 60_000);
