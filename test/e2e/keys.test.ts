import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { formatUsd, parseUsd } from "../../shared/money/usd.ts";
import { type Admin, administer, adminKey, expectSoundBooks, openCustomer } from "./administration.ts";
import { bootstrapKey, type Deployment, eventually, startDeployment } from "./deployment.ts";

/*
 * States of keys and accounts, and their limits, as codes over HTTP. The gateway remembers keys for some seconds here, so
 * whatever holds on the next request holds although it remembers.
 */

const keyCacheMs = 3_000;
const hello = { model: "gpt-4o", max_tokens: 50, messages: [{ role: "user", content: "Hello" }] };
/** Opens a stream that never ends by itself. */
const hanging = { ...hello, model: "sim-hang-stream", stream: true };

let house: Deployment;
let admin: Admin;
beforeAll(async () => {
  house = await startDeployment("up", {
    THROUGHLINE_ADMIN_KEY: adminKey,
    KEY_CACHE_MS: `${keyCacheMs}ms`,
    LOG_LEVEL: "warn",
  });
  admin = administer(house);
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

/** What `GET /v1/me` answers, as far as it is asked here. */
interface Self {
  readonly key: object;
  readonly account: { readonly available_usd: string; readonly balance_usd: string; readonly reserved_usd: string };
}

type Headers = Readonly<Record<string, string>>;

const ask = (headers: Headers, body: object = hello, signal?: AbortSignal) =>
  house.call("/v1/chat/completions", body, headers, signal);

async function expectRuns(headers: Headers, body: object = hello): Promise<Response> {
  const response = await ask(headers, body);
  expect([response.status, await response.text()]).toMatchObject([200, expect.any(String)]);
  return response;
}

const ledgerOf = statement("keys_ledger", "select kind from billing.ledger where entry_id = $1");

/** What was refused: the envelope with its ID, no call upstream, no entry of the ledger. */
async function expectRefused(response: Response, status: number, code: string, type: string): Promise<string> {
  const text = await response.text();
  expect([response.status, text]).toMatchObject([status, expect.stringContaining(`"code":"${code}"`)]);
  const body = JSON.parse(text) as { type: string; error: Record<string, unknown>; request_id: string };
  const id = response.headers.get("request-id") ?? "";
  expect(body).toMatchObject({ type: "error", request_id: id, error: { type, code, request_id: id } });
  expect(house.simulator.requests.filter((request) => request.clientRequestId === id)).toEqual([]);
  expect(await house.db.query(ledgerOf, [BigInt(id)])).toEqual([]);
  return String(body.error.message);
}

describe("states of keys and accounts", () => {
  test.each([
    ["an unknown key", { authorization: "Bearer tl-00000000000000000000000000000000000" }],
    ["no key", { authorization: "" }],
    ["another scheme", { authorization: `Basic ${btoa(`${bootstrapKey}:`)}` }],
  ])("%s: 401", async (_name, headers) => {
    await expectRefused(await ask(headers), 401, "invalid_api_key", "authentication_error");
  });

  test("a revoked key: 401 on the next request", async () => {
    const { keyId, headers } = await openCustomer(admin);
    await expectRuns(headers);
    await admin.keys.revoke.mutate({ key_id: keyId });
    for (let i = 0; i < 2; i++) {
      const message = await expectRefused(await ask(headers), 401, "revoked_api_key", "authentication_error");
      expect(message).toContain("create a new key");
    }
  });

  test("a key that rotates itself keeps its limits and what it used, and its old secret ends with the overlap", async () => {
    const limits = { requests_per_minute: 50, daily_budget_usd: "1" };
    const { keyId, headers, secret: first } = await openCustomer(admin, { key: { kind: "server", limits } });
    await expectRuns(headers);
    const rotate = async (secret: string, input: object) => {
      const response = await house.call("/trpc/me.rotate", input, { authorization: `Bearer ${secret}` });
      const said = (await response.json()) as { result?: { data: { secret: string } } };
      return { status: response.status, secret: said.result?.data.secret ?? "" };
    };
    const once = { idempotency_key: "deploy-1", overlap_ms: 3_600_000 };
    const second = await rotate(first, once);
    expect(await rotate(first, once)).toEqual(second);
    expect((await rotate(first, {})).status).toBe(403);
    await Promise.all([expectRuns(headers), expectRuns({ authorization: `Bearer ${second.secret}` })]);
    const third = await rotate(second.secret, { overlap_ms: 0 });
    for (const ended of [first, second.secret]) {
      await expectRefused(
        await ask({ authorization: `Bearer ${ended}` }),
        401,
        "revoked_api_key",
        "authentication_error",
      );
    }
    const now = { authorization: `Bearer ${third.secret}` };
    await expectRuns(now);
    const me = (await (await house.call("/v1/me", undefined, now)).json()) as {
      key: Record<string, Record<string, unknown>>;
    };
    expect(me.key).toMatchObject({ key_id: keyId, limits: { requests_per_minute: 50 } });
    expect(me.key.standing?.requests_left_this_minute).toBe(46);
    const { requests } = await admin.requests.list.query({ filter: { key_id: keyId } });
    expect(new Set(requests.map(({ key_id }) => key_id))).toEqual(new Set([keyId]));
  });

  test("a secret that was replaced: 401 on the next request; its successor runs at once", async () => {
    const { keyId, headers } = await openCustomer(admin);
    await expectRuns(headers);
    const { secret } = await admin.keys.rotate.mutate({ key_id: keyId });
    // The gateway remembers whose key the first request had; Authenticate refuses the second.
    for (let i = 0; i < 2; i++) {
      const message = await expectRefused(await ask(headers), 401, "revoked_api_key", "authentication_error");
      expect(message).toContain("use the new secret");
      await expectRuns({ authorization: `Bearer ${secret}` });
    }
  });

  test("secrets within their overlaps run, all of them; 401 on the next request when one rotation has none", async () => {
    const { keyId, headers } = await openCustomer(admin);
    const all = [headers];
    for (let i = 0; i < 2; i++) {
      for (const each of all) await expectRuns(each);
      const { secret } = await admin.keys.rotate.mutate({ key_id: keyId, overlap_ms: 3_600_000 });
      all.push({ authorization: `Bearer ${secret}` });
    }
    for (const each of all) await expectRuns(each);
    await admin.keys.rotate.mutate({ key_id: keyId });
    for (const each of all) await expectRefused(await ask(each), 401, "revoked_api_key", "authentication_error");
  });

  test("a key past its expiry: 401, also when it was remembered before", async () => {
    const expires = new Date(Date.now() + 1_500).toISOString();
    const { headers } = await openCustomer(admin, { key: { expires_time: expires } });
    await expectRuns(headers);
    const response = await eventually(async () => {
      const later = await ask(headers);
      return later.status === 200 ? void (await later.text()) : later;
    });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires));
    await expectRefused(response, 401, "expired_api_key", "authentication_error");

    const shortened = await openCustomer(admin);
    await expectRuns(shortened.headers);
    await admin.keys.update.mutate({ key_id: shortened.keyId, expires_time: new Date(Date.now() - 1).toISOString() });
    await expectRefused(await ask(shortened.headers), 401, "expired_api_key", "authentication_error");
  });

  test("a suspended account: 403 on the next request, and back", async () => {
    const { accountId, headers } = await openCustomer(admin);
    await expectRuns(headers);
    await admin.accounts.update.mutate({ account_id: accountId, state: "suspended" });
    await expectRefused(await ask(headers), 403, "account_suspended", "permission_error");
    await admin.accounts.update.mutate({ account_id: accountId, state: "active" });
    await expectRuns(headers);
  });

  test("an administration key on /v1: 403", async () => {
    const headers = { authorization: `Bearer ${adminKey}` };
    const message = await expectRefused(await ask(headers), 403, "permission_denied", "permission_error");
    expect(message).toContain("administration key");
  });

  test("an API key at the administration: 403", async () => {
    const response = await house.call("/trpc/accounts.list");
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('"permission_denied"');
  });

  test("a key without the scope: 403, at once when the scope is taken away", async () => {
    const lacking = await openCustomer(admin, { key: { scopes: ["history.read"] } });
    const message = await expectRefused(await ask(lacking.headers), 403, "permission_denied", "permission_error");
    expect(message).toContain("chat");
    const losing = await openCustomer(admin, { key: { scopes: ["chat", "history.read"] } });
    await expectRuns(losing.headers);
    await admin.keys.update.mutate({ key_id: losing.keyId, scopes: ["history.read"] });
    await expectRefused(await ask(losing.headers), 403, "permission_denied", "permission_error");
  });

  test("a model that the key may not use: 403", async () => {
    const { headers } = await openCustomer(admin, { key: { allowed_models: ["gpt-4o-mini"] } });
    await expectRuns(headers, { ...hello, model: "gpt-4o-mini" });
    const message = await expectRefused(await ask(headers), 403, "permission_denied", "permission_error");
    expect(message).toContain("GET /v1/models");
  });

  test("a model that the key may use: by its other names too", async () => {
    const { headers } = await openCustomer(admin, { key: { allowed_models: ["o3-mini", "sim-*"] } });
    for (const model of ["o3-mini-high", "sim-tokens-3"]) await expectRuns(headers, { ...hello, model });
    await expectRefused(
      await ask(headers, { ...hello, model: "o3-high" }),
      403,
      "permission_denied",
      "permission_error",
    );
  });

  test("an address that the key may not be used from: 403", async () => {
    const away = await openCustomer(admin, { key: { allowed_cidrs: ["10.0.0.0/8", "2001:db8::/32"] } });
    await expectRefused(await ask(away.headers), 403, "permission_denied", "permission_error");
    // No proxy is trusted here, so a header changes nothing.
    const claimed = { ...away.headers, "x-forwarded-for": "10.1.2.3" };
    await expectRefused(await ask(claimed), 403, "permission_denied", "permission_error");
    const here = await openCustomer(admin, { key: { allowed_cidrs: ["127.0.0.0/8"] } });
    await expectRuns(here.headers);
  });
});

describe("limits", () => {
  test.each(["key", "account"] as const)("requests a minute, of the %s: 429 with all its headers", async (of) => {
    const limits = { requests_per_minute: 2 };
    const { headers } = await openCustomer(admin, of === "key" ? { key: { limits } } : { account: { limits } });
    for (const left of ["1", "0"]) {
      const response = await expectRuns(headers);
      expect(response.headers.get("x-ratelimit-limit-requests")).toBe("2");
      expect(response.headers.get("x-ratelimit-remaining-requests")).toBe(left);
    }
    const response = await ask(headers);
    const retryAfter = Number(response.headers.get("retry-after"));
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(response.headers.get("x-ratelimit-reset-requests")).toMatch(/^(\d+m)?(\d+(\.\d+)?s|\d+ms)$/);
    expect(response.headers.get("x-should-retry")).toBeNull();
    await expectRefused(response, 429, "rate_limit_exceeded", "rate_limit_error");
  });

  test("tokens a minute: 429 for what is too large, not for what fits", async () => {
    const { headers } = await openCustomer(admin, { key: { limits: { tokens_per_minute: 500 } } });
    const large = await ask(headers, { ...hello, max_tokens: 1_000 });
    expect(large.headers.get("x-ratelimit-limit-tokens")).toBe("500");
    await expectRefused(large, 429, "rate_limit_exceeded", "rate_limit_error");
    await expectRuns(headers);
  });

  test.each(["key", "account"] as const)(
    "requests at once, of the %s: 429, and a slot that ends is free",
    async (of) => {
      const limits = { concurrent_requests: 2 };
      const { headers } = await openCustomer(admin, of === "key" ? { key: { limits } } : { account: { limits } });
      const leaving = [new AbortController(), new AbortController()];
      for (const { signal } of leaving) expect((await ask(headers, hanging, signal)).status).toBe(200);
      const third = await ask(headers);
      expect(Number(third.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      await expectRefused(third, 429, "concurrent_limit_exceeded", "rate_limit_error");
      const self = (await (await house.call("/v1/me", undefined, headers)).json()) as Self;
      expect(self[of]).toMatchObject({ limits, standing: { open_requests: 2, concurrent_requests_left: 0 } });
      expect(parseUsd(self.account.available_usd)).toBe(
        parseUsd(self.account.balance_usd) - parseUsd(self.account.reserved_usd),
      );
      leaving[0]?.abort();
      const response = await eventually(async () => {
        const again = await ask(headers);
        return again.status === 429 ? void (await again.text()) : again;
      });
      expect(response.status).toBe(200);
      await response.text();
      leaving[1]?.abort();
    },
  );

  test("no credit: 402, and not again after a top-up", async () => {
    const { accountId, headers } = await openCustomer(admin, { creditUsd: "0" });
    const response = await ask(headers);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("retry-after")).toBeNull();
    const message = await expectRefused(response, 402, "insufficient_quota", "insufficient_quota");
    expect(message).toContain("top up");
    await admin.credits.add.mutate({ account_id: accountId, amount_usd: "1", reason: "paid" });
    await expectRuns(headers);
  });

  test.each(["key", "account"] as const)("a spent daily budget, of the %s: 429 with its renewal", async (of) => {
    // The worst case of a second request does not fit beside what the first one did cost.
    const limits = { daily_budget_usd: formatUsd(await worstCase(hello)) };
    const { headers } = await openCustomer(admin, of === "key" ? { key: { limits } } : { account: { limits } });
    await expectRuns(headers);
    const response = await eventually(async () => {
      const next = await ask(headers);
      return next.status === 200 ? void (await next.text()) : next;
    });
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
    expect(Math.abs(Number(response.headers.get("retry-after")) - (midnight - Date.now()) / 1_000)).toBeLessThan(5);
    expect(response.headers.get("x-should-retry")).toBe("false");
    const message = await expectRefused(response, 429, "insufficient_quota", "insufficient_quota");
    expect(message).toContain(new Date(midnight).toISOString().slice(0, 10));
  });

  test("10 N at once against credit for N: exactly N run", async () => {
    const n = 6;
    const creditUsd = formatUsd((await worstCase(hanging)) * BigInt(n));
    const { headers } = await openCustomer(admin, { creditUsd });
    const leaving = new AbortController();
    const responses = await Promise.all(Array.from({ length: 10 * n }, () => ask(headers, hanging, leaving.signal)));
    const ran = responses.filter(({ status }) => status === 200);
    expect(ran).toHaveLength(n);
    for (const response of responses) {
      if (response.status === 200) continue;
      // The credit is there and held by requests that run: one that ends makes room.
      expect(response.headers.get("retry-after")).toBe("1");
      await expectRefused(response, 429, "insufficient_quota", "insufficient_quota");
    }
    const ids = new Set(responses.map((response) => response.headers.get("request-id")));
    expect(house.simulator.requests.filter((request) => ids.has(request.clientRequestId))).toHaveLength(n);
    leaving.abort();
  });
});

/** What a request holds, in nano-dollars. */
async function worstCase(body: object): Promise<bigint> {
  const { headers } = await openCustomer(admin);
  const leaving = new AbortController();
  const response = await ask(headers, body, leaving.signal);
  expect(response.status).toBe(200);
  leaving.abort();
  const id = response.headers.get("request-id");
  const reserved = await eventually(async () => {
    const life = await house.call(`/v1/requests/${id}`, undefined, headers);
    return life.ok ? ((await life.json()) as { billing: { reserved_usd: string } }).billing.reserved_usd : undefined;
  });
  return parseUsd(reserved);
}

describe("the official OpenAI package", () => {
  /** Calls with a key; gives what was thrown. `statuses` receives that of each try. */
  async function thrown(apiKey: string, options: object = {}, statuses: number[] = []) {
    const client = new OpenAI({
      apiKey,
      baseURL: `${house.url}/v1`,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        statuses.push(response.status);
        return response;
      },
      ...options,
    });
    const error = await client.chat.completions
      .create({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] })
      .then(() => undefined)
      .catch((reason: unknown) => reason);
    return { error, statuses };
  }

  function expectError(error: unknown, kind: new (...args: never[]) => unknown, status: number, code: string): void {
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ status, code, requestID: expect.stringMatching(/^\d+$/) });
  }

  test("reads each refusal as its own class, and asks once", async () => {
    const unknown = await thrown("tl-00000000000000000000000000000000000");
    expectError(unknown.error, OpenAI.AuthenticationError, 401, "invalid_api_key");
    const forbidden = await thrown(adminKey);
    expectError(forbidden.error, OpenAI.PermissionDeniedError, 403, "permission_denied");
    const broke = await thrown((await openCustomer(admin, { creditUsd: "0" })).secret);
    expectError(broke.error, OpenAI.APIError, 402, "insufficient_quota");
    const spent = await thrown(
      (await openCustomer(admin, { key: { limits: { daily_budget_usd: "0.000000001" } } })).secret,
    );
    expectError(spent.error, OpenAI.RateLimitError, 429, "insufficient_quota");
    for (const { statuses } of [unknown, forbidden, broke, spent]) expect(statuses).toHaveLength(1);
  });

  test("reads limits as its rate limit error, which it may ask again", async () => {
    const { secret, headers } = await openCustomer(admin, { key: { limits: { requests_per_minute: 1 } } });
    await expectRuns(headers);
    const limited = await thrown(secret, { maxRetries: 0 });
    expectError(limited.error, OpenAI.RateLimitError, 429, "rate_limit_exceeded");
  });

  test("asks again where one more request ran than may, and succeeds", async () => {
    const { secret, headers } = await openCustomer(admin, { key: { limits: { concurrent_requests: 1 } } });
    const leaving = new AbortController();
    expect((await ask(headers, hanging, leaving.signal)).status).toBe(200);
    const statuses: number[] = [];
    const outcome = thrown(secret, {}, statuses);
    await eventually(() => statuses[0]);
    leaving.abort();
    expect((await outcome).error).toBeUndefined();
    expect([statuses[0], statuses.at(-1)]).toEqual([429, 200]);
  });
});

test("in the end the books are right", () => expectSoundBooks(house));
