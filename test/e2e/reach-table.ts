/* Every procedure of /trpc, how it is called, and who may. */

/** Whose things a call names. */
export interface Target {
  readonly account_id: string;
  readonly name: string;
  readonly key_id: string;
  readonly request_id: string;
  /** Secret of an API key of this account. */
  readonly secret: string;
  readonly webhook_id: string;
  readonly delivery_id: string;
}

/** A procedure in the matrix. `own`: a tenant's key may, within its account; `platform`: operators only; `records`: every key. */
export interface Row {
  readonly for: "own" | "platform" | "records";
  readonly input: (of: Target) => object;
}

const dayMs = 86_400_000;
export const span = {
  from: new Date(Date.now() - dayMs).toISOString(),
  to: new Date(Date.now() + dayMs).toISOString(),
};
const channel = { name: "reach", adapter: "openai", base_url: "http://127.0.0.1:9/v1", models: [{ model: "gpt-4o" }] };
/** Nobody listens there. */
export const hook = "http://127.0.0.1:9/";
let made = 0;
const fresh = () => `reach ${++made}`;

export const rows: Readonly<Record<string, Row>> = {
  "accounts.create": { for: "platform", input: () => ({ name: fresh() }) },
  "accounts.update": { for: "platform", input: ({ account_id }) => ({ account_id, store_response: "full" }) },
  "accounts.get": { for: "own", input: ({ account_id }) => ({ account_id }) },
  "accounts.list": { for: "own", input: ({ account_id }) => ({ after_account_id: `${BigInt(account_id) - 1n}` }) },
  "keys.create": { for: "own", input: ({ account_id }) => ({ account_id, kind: "cli", scopes: ["*"], name: fresh() }) },
  "keys.update": { for: "own", input: ({ key_id }) => ({ key_id, name: "renamed", scopes: ["*"] }) },
  "keys.rotate": { for: "own", input: ({ key_id }) => ({ key_id }) },
  "keys.revoke": { for: "own", input: ({ key_id }) => ({ key_id }) },
  "keys.list": { for: "own", input: ({ account_id }) => ({ account_id }) },
  "credits.add": { for: "platform", input: ({ account_id }) => ({ account_id, amount_usd: "0.001", reason: "test" }) },
  "credits.adjust": {
    for: "platform",
    input: ({ account_id }) => ({ account_id, amount_usd: "-0.001", reason: "test" }),
  },
  "ledger.list": { for: "own", input: ({ account_id, request_id }) => ({ account_id, request_id }) },
  "ledger.audit": { for: "platform", input: () => ({}) },
  "usage.sum": { for: "own", input: ({ account_id }) => ({ account_id, ...span }) },
  "usage.timeseries": { for: "records", input: ({ account_id }) => ({ ...span, step: "day", filter: { account_id } }) },
  "requests.list": { for: "records", input: ({ account_id }) => ({ filter: { account_id } }) },
  "requests.get": { for: "records", input: ({ account_id, request_id }) => ({ id: request_id, account_id }) },
  "requests.find": { for: "records", input: ({ account_id, request_id }) => ({ id: request_id, account_id }) },
  "requests.delete": { for: "records", input: ({ account_id }) => ({ request_ids: ["1"], account_id }) },
  "requests.tail": { for: "records", input: ({ account_id }) => ({ filter: { account_id } }) },
  "requests.export": { for: "records", input: ({ account_id }) => ({ filter: { account_id } }) },
  "jobs.list": { for: "records", input: ({ account_id }) => ({ account_id }) },
  "batches.list": { for: "records", input: ({ account_id }) => ({ account_id }) },
  "webhooks.create": { for: "own", input: ({ account_id }) => ({ account_id, url: hook }) },
  "webhooks.list": { for: "own", input: ({ account_id }) => ({ account_id }) },
  "webhooks.update": { for: "own", input: ({ webhook_id }) => ({ webhook_id, description: "changed" }) },
  "webhooks.rotate": { for: "own", input: ({ webhook_id }) => ({ webhook_id }) },
  "webhooks.rotateCallbacks": { for: "own", input: ({ account_id }) => ({ account_id }) },
  "webhooks.test": { for: "own", input: ({ webhook_id }) => ({ webhook_id }) },
  "webhooks.deliveries": { for: "own", input: ({ account_id, webhook_id }) => ({ account_id, webhook_id }) },
  "webhooks.resend": { for: "own", input: ({ delivery_id }) => ({ delivery_id }) },
  "webhooks.delete": { for: "own", input: ({ webhook_id }) => ({ webhook_id }) },
  "trail.list": { for: "own", input: ({ account_id }) => ({ account_id }) },
  "channels.list": { for: "platform", input: () => ({}) },
  "channels.put": { for: "platform", input: () => ({ channel, new_credential: "sk-test" }) },
  "channels.delete": { for: "platform", input: () => ({ name: "reach" }) },
};

const messages = [{ role: "user", content: "Hello" }];
export const video = { model: "video/sim-plain", prompt: "a cat" };
/**
 * Procedures that do what their caller asks for itself: they name nobody's things but jobs, and those of others are answered as
 * what does not exist.
 */
export const services: Readonly<Record<string, (request_id: string) => object>> = {
  "chat.create": () => ({ model: "gpt-4o", max_tokens: 5, messages }),
  "chat.stream": () => ({ model: "gpt-4o", max_tokens: 5, messages }),
  "messages.create": () => ({ model: "gpt-4o", max_tokens: 5, messages }),
  "messages.stream": () => ({ model: "gpt-4o", max_tokens: 5, messages }),
  "responses.create": () => ({ model: "gpt-4o", input: "Hello" }),
  "responses.stream": () => ({ model: "gpt-4o", input: "Hello" }),
  "embeddings.create": () => ({ model: "text-embedding-3-small", input: "Hello" }),
  "rerank.create": () => ({ model: "rerank/sim-plain", query: "Hello", documents: ["Hello"] }),
  "moderations.create": () => ({ input: "Hello" }),
  "images.create": () => ({ model: "image/sim-plain", prompt: "A hat" }),
  "speech.create": () => ({ model: "speech/sim-plain", voice: "alloy", input: "Hello" }),
  "models.list": () => ({}),
  "me.get": () => ({}),
  "me.rotate": () => ({}),
  "videos.create": () => video,
  "videos.list": () => ({}),
  "videos.get": (id) => ({ id }),
  "videos.delete": (id) => ({ id }),
  "jobs.get": (id) => ({ id }),
  "jobs.cancel": (id) => ({ id }),
  "batches.get": (id) => ({ id }),
};

/** What a change leaves in the trail: `made` was nothing before, `changed` something before and after. */
export const leaves: Readonly<Record<string, "made" | "changed">> = {
  ...{ "accounts.create": "made", "accounts.update": "changed", "keys.create": "made", "keys.update": "changed" },
  ...{ "keys.rotate": "changed", "keys.revoke": "changed", "credits.add": "changed", "credits.adjust": "changed" },
  ...{
    "webhooks.create": "made",
    "webhooks.update": "changed",
    "webhooks.rotate": "changed",
    "webhooks.test": "changed",
  },
  ...{ "webhooks.rotateCallbacks": "changed", "webhooks.resend": "changed", "webhooks.delete": "changed" },
  ...{ "channels.put": "changed", "channels.delete": "changed", "requests.delete": "made", "jobs.cancel": "changed" },
};
