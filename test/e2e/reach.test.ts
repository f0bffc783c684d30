import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appRouter } from "../../gateway/trpc/router.ts";
import { type Admin, administer, adminKey } from "./administration.ts";
import { type Deployment, eventually, startDeployment } from "./deployment.ts";
import { hook, leaves, rows, services, span, type Target, video } from "./reach-table.ts";

/*
 * What a key reaches by /trpc, for every procedure that there is: an operator's administration key everything, a tenant's
 * its own account alone, any other key its own records alone. What belongs to others is answered as what does not exist.
 */

let house: Deployment;
let admin: Admin;
/** The caller's tenant and another one. */
let own: Target;
let other: Target;
const missing = {
  // Replaced by an ID of the time of the others, which nobody was given: what may be on its way is told by the time alone.
  ...{ account_id: "999999", name: "there is none", key_id: "999999", request_id: "1" },
  ...{ secret: "", webhook_id: "999999", delivery_id: "999999" },
};
let secrets: Record<"operator" | "tenant" | "server" | "api" | "user", string>;

async function openTenant(name: string): Promise<Target> {
  const { account_id } = await admin.accounts.create.mutate({ name });
  await admin.credits.add.mutate({ account_id, amount_usd: "10", reason: "test" });
  const { key_id, secret } = await admin.keys.create.mutate({ account_id, scopes: ["*"] });
  const body = { model: "gpt-4o", max_tokens: 5, messages: [{ role: "user", content: "Hello" }] };
  const response = await house.call("/v1/chat/completions", body, { authorization: `Bearer ${secret}` });
  expect(response.status).toBe(200);
  const request_id = response.headers.get("request-id") ?? "";
  await eventually(async () => {
    const { entries } = await admin.ledger.list.query({ request_id });
    const { requests } = await admin.requests.list.query({ filter: { account_id, statuses: ["succeeded"] } });
    return entries.length === 1 && requests.length === 1 ? true : undefined;
  });
  const { webhook_id, delivery_id } = await openWebhook(account_id);
  return { account_id, name, key_id, request_id, secret, webhook_id, delivery_id };
}

/** A webhook with a delivery that has ended, so that it can be sent again. */
async function openWebhook(account_id: string): Promise<Pick<Target, "webhook_id" | "delivery_id">> {
  const { webhook_id } = await admin.webhooks.create.mutate({ account_id, url: hook });
  const { delivery_id } = await admin.webhooks.test.mutate({ webhook_id });
  await admin.webhooks.update.mutate({ webhook_id, enabled: false });
  await admin.webhooks.update.mutate({ webhook_id, enabled: true });
  return { webhook_id, delivery_id };
}

beforeAll(async () => {
  house = await startDeployment("up", {
    ...{ THROUGHLINE_ADMIN_KEY: adminKey, LOG_LEVEL: "warn", WEBHOOK_ALLOW: "127.0.0.1", LOOKUP_WAIT: "0ms" },
  });
  admin = administer(house);
  own = await openTenant("tenant a");
  other = await openTenant("tenant b");
  missing.request_id = (BigInt(other.request_id) + 7n).toString();
  const key = async (kind: "cli" | "server" | "api" | "user") => {
    const user = kind === "user" ? { user_id: "u1" } : {};
    return (await admin.keys.create.mutate({ account_id: own.account_id, kind, scopes: ["*"], ...user })).secret;
  };
  secrets = {
    operator: adminKey,
    tenant: await key("cli"),
    server: await key("server"),
    api: await key("api"),
    user: await key("user"),
  };
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

const procedures = appRouter._def.procedures as unknown as Readonly<
  Record<string, { readonly _def: { readonly type: string } }>
>;

/** Status and what is said, without what differs from call to call. */
async function call(name: string, secret: string, input: object): Promise<readonly [number, unknown]> {
  const headers = { authorization: `Bearer ${secret}` };
  const type = procedures[name]?._def.type;
  const query = `/trpc/${name}?input=${encodeURIComponent(JSON.stringify(input))}`;
  if (type === "subscription") {
    const stop = new AbortController();
    const { status } = await house.call(query, undefined, headers, stop.signal);
    stop.abort();
    return [status, undefined];
  }
  const response = await (type === "mutation"
    ? house.call(`/trpc/${name}`, input, headers)
    : house.call(query, undefined, headers));
  const said = await response.text();
  return [response.status, JSON.parse(said, (name, value: unknown) => (name === "request_id" ? undefined : value))];
}

/** A key of an account that the call may change. */
async function withFreshKey(of: Target): Promise<Target> {
  if (of === missing) return of;
  return { ...of, key_id: (await admin.keys.create.mutate({ account_id: of.account_id, scopes: ["chat"] })).key_id };
}

const changesKey = (name: string): boolean => ["keys.update", "keys.rotate", "keys.revoke"].includes(name);
/** A webhook of an account that the call may remove, or whose delivery it may send again. */
async function withFreshWebhook(of: Target): Promise<Target> {
  return of === missing ? of : { ...of, ...(await openWebhook(of.account_id)) };
}
const usesUp = (name: string): boolean => ["webhooks.delete", "webhooks.resend"].includes(name);

function target(name: string, of: Target): Promise<Target> {
  if (usesUp(name)) return withFreshWebhook(of);
  return changesKey(name) ? withFreshKey(of) : Promise.resolve(of);
}

test("the matrix names every procedure and no other", () => {
  expect([...Object.keys(rows), ...Object.keys(services)].sort()).toEqual(Object.keys(procedures).sort());
});

describe.each(Object.entries(services))("%s", (name, input) => {
  test("is for keys that call models; an administration key sees what there is, and pays for nothing", async () => {
    const isForAll = ["models.list", "me.get", "me.rotate", "jobs.get", "jobs.cancel", "batches.get"].includes(name);
    for (const kind of ["operator", "tenant"] as const) {
      const [status] = await call(name, secrets[kind], input(other.request_id));
      if (isForAll) expect(status).not.toBe(403);
      else expect(status).toBe(403);
    }
    for (const kind of ["server", "api", "user"] as const) {
      expect((await call(name, secrets[kind], input(own.request_id)))[0]).not.toBe(403);
    }
  });
});

test("a job of another account is answered as one that does not exist", async () => {
  const headers = { authorization: `Bearer ${other.secret}` };
  const begun = await house.call(
    "/v1/videos",
    { model: "video/sim-job-run-60000", prompt: "a cat", seconds: "4" },
    headers,
  );
  expect(begun.status).toBe(200);
  const id = begun.headers.get("request-id") ?? "";
  const names = ["videos.get", "videos.delete", "jobs.get", "jobs.cancel"];
  for (const name of names) {
    for (const kind of ["tenant", "server", "api", "user"] as const) {
      const [status, said] = await call(name, secrets[kind], { id });
      expect([name, kind, status, said]).toEqual([
        name,
        kind,
        ...(await call(name, secrets[kind], { id: missing.request_id })),
      ]);
      expect([403, 404]).toContain(status);
    }
  }
  expect((await call("jobs.get", other.secret, { id }))[0]).toBe(200);
  // A list names it to its own account and to operators alone, whatever is filtered by.
  const listed = async (secret: string, input: object) => {
    const said = (await call("jobs.list", secret, { limit: 100, ...input }))[1];
    return JSON.stringify(said).includes(`"job_${id}"`);
  };
  const { account_id, key_id } = other;
  for (const input of [
    {},
    { account_id },
    { key_id },
    { account_id, statuses: ["processing", "queueing"], kind: "vendor" },
  ]) {
    expect([input, await listed(secrets.operator, input)]).toEqual([input, true]);
    for (const kind of ["tenant", "server", "api", "user"] as const) {
      expect([input, kind, await listed(secrets[kind], input)]).toEqual([input, kind, false]);
    }
  }
  for (const input of [
    { statuses: ["failed"] },
    { kind: "call" },
    { module: "image" },
    { account_id: own.account_id },
  ]) {
    expect([input, await listed(secrets.operator, input)]).toEqual([input, false]);
  }
  // An operator reads and ends any account's.
  const read = JSON.stringify((await call("jobs.get", secrets.operator, { id }))[1]);
  expect(read).toContain(`"account_id":"${account_id}"`);
  expect(read).toContain('"life":{');
  expect((await call("jobs.cancel", secrets.operator, { id }))[0]).toBe(200);
});

describe.each(Object.entries(rows))("%s", (name, row) => {
  const ask = async (secret: string, of: Target) => call(name, secret, row.input(await target(name, of)));

  test("an operator's administration key reaches every tenant's", async () => {
    for (const of of [own, other]) expect((await ask(secrets.operator, of))[0]).toBe(200);
  });

  test(`a tenant's administration key: ${row.for === "platform" ? "refused" : "its own, and of others what there is of nobody"}`, async () => {
    const answers: (readonly [number, unknown])[] = [];
    for (const of of [own, other, missing]) answers.push(await ask(secrets.tenant, of));
    if (row.for === "platform") {
      for (const [status] of answers) expect(status).toBe(403);
      return;
    }
    expect(answers[0]?.[0], JSON.stringify(answers[0])).toBe(200);
    expect(answers[1]).toEqual(answers[2]);
    expect(JSON.stringify(answers[1])).not.toContain(`"${other.account_id}"`);
    expect(JSON.stringify(answers[1])).not.toContain("tenant b");
  });

  test.each(["server", "api", "user"] as const)("a %s key", async (kind) => {
    for (const of of [own, other]) {
      const [status, said] = await ask(secrets[kind], of);
      if (row.for !== "records") expect(status).toBe(403);
      expect(JSON.stringify(said) ?? "").not.toContain("tenant b");
      if (of === other && name === "requests.get") expect(status).toBe(404);
    }
  });
});

test("every change by an administration key is in the trail, with what was before and after and without secrets", async () => {
  const changes = Object.keys(procedures).filter((name) => procedures[name]?._def.type === "mutation");
  const asked = { authorization: `Bearer ${adminKey}` };
  const inputs = new Map(Object.entries(rows).map(([name, { input }]) => [name, input]));
  const job = await house.call(
    "/v1/videos",
    { ...video, model: "video/sim-job-run-60000" },
    { authorization: `Bearer ${own.secret}` },
  );
  inputs.set("jobs.cancel", () => ({ id: job.headers.get("request-id") }));
  // Things must be there before they are changed, and they are removed last.
  await call("channels.put", adminKey, rows["channels.put"]?.input(own) ?? {});
  await call("webhooks.rotateCallbacks", adminKey, { account_id: own.account_id });
  for (const name of changes) {
    const input = inputs.get(name)?.(await target(name, own));
    if (input === undefined) {
      // Nobody pays for an administration key, so it changes nothing there.
      const response = await house.call(`/trpc/${name}`, services[name]?.("1") ?? {}, asked);
      expect([name, response.status]).toEqual([name, 403]);
      continue;
    }
    const response = await house.call(`/trpc/${name}`, input, asked);
    expect([name, response.status, await response.text()]).toEqual([name, 200, expect.anything()]);
    const id = response.headers.get("request-id");
    const { events } = await admin.trail.list.query({ procedure: name, limit: 10 });
    const [outcome, begun] = events.filter(({ request_id }) => request_id === id);
    expect([name, begun?.outcome, outcome?.outcome]).toEqual([name, null, "done"]);
    const isChange = leaves[name] === "changed";
    const thing = isChange ? expect.any(Object) : null;
    expect([name, begun?.before, outcome?.before, outcome?.after]).toEqual([name, thing, thing, expect.any(Object)]);
    expect(JSON.stringify(events)).not.toMatch(/sk-test|whsec_[A-Za-z0-9]|"secret":"(?!\[hidden\])/);
    if (name === "channels.delete") await call("channels.put", adminKey, rows["channels.put"]?.input(own) ?? {});
  }
  expect(Object.keys(leaves).toSorted()).toEqual(changes.filter((name) => inputs.has(name)).toSorted());
});

test("what a request said is kept where its account wants it, and shown to who may read its contents", async () => {
  const { account_id } = own;
  expect((await admin.requests.get.query({ id: own.request_id })).request).toBeNull();
  await admin.accounts.update.mutate({ account_id, store_request: true });
  const { secret } = await admin.keys.create.mutate({ account_id, scopes: ["*"] });
  const body = { model: "gpt-4o", max_tokens: 5, user: "eve", messages: [{ role: "user", content: "a word of ours" }] };
  const headers = {
    authorization: `Bearer ${secret}`,
    "x-throughline-tags": "kept",
    "x-client-request-id": "of-a-client",
  };
  const id = (await house.call("/v1/chat/completions", body, headers)).headers.get("request-id") ?? "";
  const read = await eventually(async () => {
    const found = await admin.requests.get.query({ id: "of-a-client" }).catch(() => undefined);
    return found?.request === null ? undefined : found;
  });
  expect(read).toMatchObject({ id, end_user: "eve", tags: ["kept"], origin: { path: "/v1/chat/completions" } });
  expect(JSON.parse(read.request ?? "")).toEqual(body);
  const { requests } = await admin.requests.list.query({
    filter: { tag: "kept", end_user: "eve", trace_id: read.trace.id },
  });
  expect(requests.map((row) => row.id)).toEqual([id]);
  expect(JSON.stringify((await call("requests.get", secrets.api, { id }))[1])).not.toContain("a word of ours");
  await admin.requests.delete.mutate({ request_ids: [id] });
  const left = await house.db.query({ name: "", sql: "select 1 from history.request", idempotent: true }, []);
  expect(left).toEqual([]);
  await admin.accounts.update.mutate({ account_id, store_request: false });
});

test("an event that was altered in the database is found by the audit", async () => {
  const sql = (text: string) => house.db.query({ name: "", sql: text, idempotent: false }, []);
  const chained = async () =>
    (await admin.ledger.audit.query()).checks.find(({ name }) => name.startsWith("the trail"))?.offending;
  expect(await chained()).toEqual([]);
  await sql("alter table billing.administration disable trigger user");
  await sql("update billing.administration set actor = 'nobody' where number = 2");
  await sql("alter table billing.administration enable trigger user");
  expect(await chained()).toEqual([expect.stringMatching(/number 2, .*it was altered/)]);
});

test("a tenant's administration key lists and finds its own account alone, with and without a filter", async () => {
  const ask = async (name: string, input: object) => (await call(name, secrets.tenant, input))[1];
  const text = JSON.stringify([
    await ask("accounts.list", {}),
    await ask("keys.list", {}),
    await ask("ledger.list", {}),
    await ask("usage.sum", { ...span, by: "key" }),
    await ask("requests.list", { limit: 1_000 }),
    await ask("accounts.get", { name: own.name }),
  ]);
  expect(text).toContain(`"account_id":"${own.account_id}"`);
  expect(text).not.toContain(other.request_id);
  expect(text).not.toContain(`"account_id":"${other.account_id}"`);
  expect(text).not.toContain('"account_id":"1"');
  expect(await ask("ledger.list", { request_id: other.request_id })).toEqual(
    await ask("ledger.list", { request_id: missing.request_id }),
  );
  expect(await ask("accounts.get", { name: other.name })).toEqual(await ask("accounts.get", { name: missing.name }));
});

test.each([
  ["keys.create", { scopes: ["chat"], group: "vip" }],
  ["keys.update", { group: "vip" }],
  ["keys.update", { group: "" }],
  ["accounts.update", { limits: {} }],
  ["accounts.update", { credit_floor_usd: "-100" }],
  ["accounts.update", { operator: true }],
])("a tenant's administration key may not change what it pays or how far it reaches: %s %o", async (name, input) => {
  const id = name === "keys.update" ? { key_id: own.key_id } : { account_id: own.account_id };
  expect((await call(name, secrets.tenant, { ...id, ...input }))[0]).toBe(403);
});

test("what others have is as it was", async () => {
  const { keys } = await admin.keys.list.query({ account_id: other.account_id });
  expect(keys.find(({ key_id }) => key_id === other.key_id)).toMatchObject({ revoked_time: null, name: "" });
  expect(keys.filter(({ kind }) => kind === "cli").map(({ name }) => name)).toEqual([expect.stringContaining("reach")]);
  expect((await admin.requests.get.query({ id: other.request_id })).status).toBe("succeeded");
});

test("what others have of webhooks is as it was", async () => {
  const { webhooks } = await admin.webhooks.list.query({ account_id: other.account_id });
  expect(webhooks.find(({ webhook_id }) => webhook_id === other.webhook_id)).toMatchObject({ enabled: true });
  const seen = JSON.stringify((await call("webhooks.list", secrets.tenant, {}))[1]);
  expect(seen).toContain(`"webhook_id":"${own.webhook_id}"`);
  expect(seen).not.toContain(`"webhook_id":"${other.webhook_id}"`);
});

test("an account becomes an operator's and stops being one; an operator cannot give up the platform by its own key", async () => {
  await admin.accounts.update.mutate({ account_id: own.account_id, operator: true });
  expect((await call("channels.list", secrets.tenant, {}))[0]).toBe(200);
  expect((await call("accounts.update", secrets.tenant, { account_id: own.account_id, operator: false }))[0]).toBe(400);
  await admin.accounts.update.mutate({ account_id: own.account_id, operator: false });
  expect((await call("channels.list", secrets.tenant, {}))[0]).toBe(403);
});
