import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { testPostgres } from "../../shared/db/testing.ts";
import { administer, adminKey, openCustomer } from "./administration.ts";
import { bootstrapKey, type Deployment, eventually, startDeployment } from "./deployment.ts";
import { leaks, startLeakyUpstream } from "./leaky-upstream.ts";

/*
 * Everything that can go wrong goes wrong once, with logs at their most talkative and an upstream that repeats our
 * credentials in its errors. Afterwards no secret is found in an answer, a log line, a span, a metric or a table.
 */

const configuration = (url: string) => `
strategies: [{ name: leaky, prices: { input: "1.00", output: "2.00" } }]
models:
  - { name: leaky-*, strategy: leaky }
  - { name: sealed-*, strategy: leaky }
channels:
  - name: leaky
    adapter: openai
    base_url: ${url}/v1
    credentials: [{ env: LEAKY_CREDENTIAL }]
    models: [leaky-*]
`;

const failing = [
  "gpt-4o",
  "sim-status-400",
  "sim-status-401",
  "sim-status-429",
  "sim-status-500",
  "sim-drop-headers",
  "sim-drop-stream",
  "sim-malformed-chunk",
  "sim-error-in-stream",
  "sim-error-in-200",
  "sim-empty-body",
  "sim-no-usage",
  "no-such-model",
  ...leaks.flatMap((leak) => [`leaky-${leak}`, `sealed-${leak}`]),
];

const hello = { max_tokens: 20, messages: [{ role: "user", content: "Hello" }] };
const bodies: Readonly<Record<string, (model: string) => object>> = {
  "/v1/chat/completions": (model) => ({ model, ...hello }),
  "/v1/messages": (model) => ({ model, ...hello }),
  "/v1/responses": (model) => ({ model, input: "Hello" }),
  "/v1/completions": (model) => ({ model, prompt: "Hello" }),
};

const tables = statement(
  "secrets_tables",
  `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'm') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'`,
);

/** Tables with a row that holds one of the texts; bytea is shown as hex, arrays and JSON as text. */
async function tablesWith(house: Deployment, needles: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await house.db.query<{ name: string }>(tables, [])) {
    const search = statement(
      `secrets_${createHash("sha256").update(name).digest("hex").slice(0, 16)}`,
      `select needle from unnest($1::text[]) as needle where exists (select from ${name} t where position(needle in t::text) > 0)`,
    );
    for (const { needle } of await house.db.query<{ needle: string }>(search, [needles]))
      found.push(`${name}: ${needle}`);
  }
  return found;
}

test("no secret is found anywhere after everything went wrong", async () => {
  const folder = await mkdtemp(join(tmpdir(), "throughline-secrets-"));
  await using upstream = await startLeakyUpstream();
  await using postgres = await testPostgres();
  await writeFile(join(folder, "throughline.yaml"), configuration(upstream.url));
  const pepper = `pepper.${randomBytes(24).toString("base64url")}`;
  const credentialKey = randomBytes(32).toString("base64");
  // One looks like a vendor's key and one like nothing in particular: no pattern finds that.
  const credential = `sk-proj-${randomBytes(24).toString("hex")}`;
  const sealed = `credential.${randomBytes(12).toString("hex")}.of.nobody`;
  await using house = await startDeployment(
    "up",
    {
      THROUGHLINE_ADMIN_KEY: adminKey,
      THROUGHLINE_CONFIG: join(folder, "throughline.yaml"),
      LEAKY_CREDENTIAL: credential,
      KEY_PEPPER: pepper,
      CREDENTIAL_KEY: credentialKey,
      LOG_LEVEL: "debug",
      UPSTREAM_HEADERS_TIMEOUT_MS: "500ms",
    },
    postgres.url,
  );
  // The greeting shows the first key to whoever started it; what follows is the log.
  const greeting = house.output().length;
  const answers: string[] = [];
  const ids: string[] = [];
  async function call(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<void> {
    const response = await house.call(path, body, headers);
    answers.push(`${path.split("?")[0]} ${JSON.stringify([...response.headers])} ${await response.text()}`);
    const id = response.headers.get("request-id");
    if (id !== null) ids.push(id);
  }

  const admin = administer(house);
  const channel = { name: "sealed", adapter: "openai", base_url: `${upstream.url}/v1` };
  await admin.channels.put.mutate({
    channel: { ...channel, models: [{ model: "sealed-*" }] },
    new_credential: sealed,
  });
  const customer = await openCustomer(admin, { key: { limits: { requests_per_minute: 1 } } });
  const broke = await openCustomer(admin, { creditUsd: "0" });
  const { secret: rotated } = await admin.keys.rotate.mutate({ key_id: customer.keyId, overlap_ms: 60_000 });
  const secrets = [
    bootstrapKey,
    adminKey,
    customer.secret,
    broke.secret,
    rotated,
    credential,
    sealed,
    pepper,
    credentialKey,
  ];

  await eventually(async () => {
    const response = await house.call("/v1/chat/completions", { model: "sealed-401", ...hello });
    await response.text();
    return upstream.seen.has(sealed) ? true : undefined;
  });
  for (const [path, bodyOf] of Object.entries(bodies)) {
    for (const model of failing) {
      await Promise.all([false, true].map((stream) => call(path, { ...bodyOf(model), stream })));
    }
  }
  expect([...upstream.seen].sort()).toEqual([credential, sealed].sort());

  const chat = { model: "gpt-4o", ...hello };
  for (const secret of secrets) {
    // Keys end up in these places by mistake.
    await call("/v1/chat/completions", chat, { authorization: `Bearer ${secret}` });
    await call("/v1/messages", chat, { authorization: "", "x-api-key": secret });
    await call("/v1/chat/completions", chat, { authorization: secret });
    await call("/v1/chat/completions", chat, { authorization: `Basic ${btoa(`:${secret}`)}` });
    await call(`/v1/models?api_key=${encodeURIComponent(secret)}`);
    await call(`/v1/nowhere?token=${encodeURIComponent(secret)}`);
    await call("/trpc/accounts.list", undefined, { authorization: `Bearer ${secret}` });
  }
  await call("/v1/chat/completions", chat, customer.headers);
  await call("/v1/chat/completions", chat, broke.headers);
  await call("/v1/chat/completions", '{"model": "gpt-4o", ');
  await call("/v1/chat/completions", { model: "gpt-4o", messages: [{ role: "user" }] });
  await admin.keys.revoke.mutate({ key_id: broke.keyId });
  await call("/v1/chat/completions", chat, broke.headers);
  for (const query of [
    admin.channels.list,
    admin.keys.list,
    admin.accounts.list,
    admin.ledger.list,
    admin.requests.list,
  ]) {
    answers.push(JSON.stringify(await query.query()));
  }
  await call("/metrics");

  // All of it is written down before it is searched.
  const last = ids.at(-1) ?? "";
  await eventually(() => house.logs.find((line) => line.request_id === last && line.msg === "request"));
  for (let page = 1; page <= 4; page++) await call(`/bp/ai/ai_request/history/query?page=${page}&page_size=100`);
  for (const id of ids.slice(0, 120)) await call(`/v1/requests/${id}`);
  const traced = ids[0] ?? "";
  await eventually(() =>
    house.collector.spans().some((span) => span.attributes["throughline.request_id"] === traced) ? true : undefined,
  );

  const said = house.output().slice(greeting);
  const spans = JSON.stringify(house.collector.spans(), (_name, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  const everywhere = { answers: answers.join("\n"), logs: said, spans };
  // The search finds what is there, so it works.
  for (const [where, content] of Object.entries(everywhere)) expect(content, where).toContain(traced);
  expect(await tablesWith(house, [traced])).not.toEqual([]);
  expect(await tablesWith(house, [Buffer.from("leaky").toString("hex"), "leaky"])).not.toEqual([]);

  const needles = secrets.flatMap((secret) => {
    const digest = createHash("sha256").update(secret).digest();
    const bytes = Buffer.from(secret);
    // The bare digest is what the edge sends to billing: kept, it would be a hash without the pepper.
    return [secret, bytes.toString("hex"), bytes.toString("base64"), digest.toString("hex"), digest.toString("base64")];
  });
  needles.push(Buffer.from(credentialKey, "base64").toString("hex"));
  // The end of a long secret that we made is enough to find it.
  for (const secret of [customer.secret, broke.secret, rotated, credential]) needles.push(secret.slice(-16));
  const found = Object.entries(everywhere).flatMap(([where, content]) =>
    needles.flatMap((needle) => {
      const at = content.indexOf(needle);
      return at === -1 ? [] : [`${where}: ${content.slice(Math.max(0, at - 200), at + 100)}`];
    }),
  );
  expect(found).toEqual([]);
  expect(await tablesWith(house, needles)).toEqual([]);
  await rm(folder, { recursive: true, force: true });
}, 90_000);
