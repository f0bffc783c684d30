import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Admin, administer, adminKey, type Customer, openCustomer } from "../e2e/administration.ts";
import { bootstrapKey, type Deployment, startDeployment } from "../e2e/deployment.ts";

/*
 * The reusable handler of the error document, a shell script with curl and jq, against each way a request can fail. Only
 * the base URL, the key, the model and the place of the body come from the environment; what it does is the document's.
 */

const script = fileURLToPath(new URL("fixtures/handler.sh", import.meta.url));

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
const missing = ["bash", "curl", "jq"].filter((program) => !isInstalled(program));
if (missing.length > 0) process.stderr.write(`skipped: the shell handler needs ${missing.join(", ")}, not installed\n`);

const words = {
  ok: "ok",
  topUp: "top up at /developers/billing",
  throttled: "throttled — sleep, then retry",
  transient: "transient — retry with backoff",
  fatal: "fatal — fix the request",
} as const;
const exitCodes: Readonly<Record<keyof typeof words, number>> = {
  ok: 0,
  topUp: 2,
  throttled: 0,
  transient: 0,
  fatal: 1,
};

describe.skipIf(missing.length > 0)(`the shell handler${missing.length > 0 ? ` (missing: ${missing})` : ""}`, () => {
  let house: Deployment;
  let admin: Admin;
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-handler-"));
    house = await startDeployment("up", {
      THROUGHLINE_ADMIN_KEY: adminKey,
      LOG_LEVEL: "warn",
      UPSTREAM_HEADERS_TIMEOUT_MS: "500ms",
    });
    admin = administer(house);
  }, 60_000);
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function handle(model: string, apiKey: string = bootstrapKey, baseUrl: string = house.url) {
    const env = {
      PATH: process.env.PATH ?? "",
      BASE_URL: baseUrl,
      API_KEY: apiKey,
      MODEL: model,
      BODY_FILE: join(folder, "body"),
    };
    const { promise, resolve } = Promise.withResolvers<{ code: number; lines: string[] }>();
    const child = execFile("bash", [script], { env }, (_error, stdout) => {
      resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split("\n") });
    });
    return promise;
  }

  async function expectHandled(
    asked: Promise<{ code: number; lines: string[] }>,
    status: number,
    type: string,
    verdict: keyof typeof words,
  ): Promise<void> {
    expect(await asked).toEqual({
      code: exitCodes[verdict],
      lines: [`status=${status} type=${type}`, words[verdict]],
    });
  }

  test.each([
    ["gpt-4o", 200, "", "ok"],
    ["sim-status-500", 502, "api_error", "transient"],
    ["sim-status-502", 502, "api_error", "transient"],
    ["sim-status-504", 504, "api_error", "transient"],
    ["sim-hang-headers", 504, "api_error", "transient"],
    ["sim-drop-headers", 502, "api_error", "transient"],
    ["sim-drop-stream", 502, "api_error", "transient"],
    ["sim-malformed-chunk", 502, "api_error", "transient"],
    ["sim-error-in-200", 502, "api_error", "transient"],
    ["sim-empty-body", 502, "api_error", "transient"],
    // The upstream is short of something: its 429, 503 and 529 alike.
    ["sim-status-429", 529, "overloaded_error", "transient"],
    ["sim-status-503", 529, "overloaded_error", "transient"],
    ["sim-status-529", 529, "overloaded_error", "transient"],
    // Our own credential or credit at the upstream: nothing that the client could top up or fix.
    ["sim-status-401", 502, "api_error", "transient"],
    ["sim-status-402", 502, "api_error", "transient"],
    ["sim-status-403", 502, "api_error", "transient"],
    ["sim-status-400", 400, "invalid_request_error", "fatal"],
    ["sim-context-length", 400, "invalid_request_error", "fatal"],
    ["no-such-model", 400, "invalid_request_error", "fatal"],
    ["", 400, "invalid_request_error", "fatal"],
  ] as const)("%s: %i %s, %s", async (model, status, type, verdict) => {
    await expectHandled(handle(model), status, type, verdict);
  });

  test("an upstream out of quota is not the client's quota", async () => {
    const { code, lines } = await handle("sim-insufficient-quota");
    expect(lines[1]).toBe(words.transient);
    expect(code).toBe(0);
  });

  const withLimits = (limits: object, creditUsd = "10"): Promise<Customer> =>
    openCustomer(admin, { key: { limits }, creditUsd });

  test("no credit: top up", async () => {
    const { secret } = await withLimits({}, "0");
    await expectHandled(handle("gpt-4o", secret), 402, "insufficient_quota", "topUp");
  });

  test("a spent budget: a hard stop, not one more try in a second", async () => {
    const { secret } = await withLimits({ daily_budget_usd: "0.000000001" });
    await expectHandled(handle("gpt-4o", secret), 429, "insufficient_quota", "topUp");
  });

  test("a rate limit: throttled", async () => {
    const { secret } = await withLimits({ requests_per_minute: 1 });
    await expectHandled(handle("gpt-4o", secret), 200, "", "ok");
    await expectHandled(handle("gpt-4o", secret), 429, "rate_limit_error", "throttled");
  });

  test("keys that help nobody to retry: fatal", async () => {
    await expectHandled(handle("gpt-4o", "tl-unknown-0000000000"), 401, "authentication_error", "fatal");
    await expectHandled(handle("gpt-4o", adminKey), 403, "permission_error", "fatal");
    await expectHandled(handle("gpt-4o", bootstrapKey, `${house.url}/nowhere`), 404, "not_found_error", "fatal");
  });
});
