import { type Admin, administer, adminKey } from "../e2e/administration.ts";
import { type Deployment, type Mode, startDeployment } from "../e2e/deployment.ts";

/** Whose keys the console is tried with. */
export interface Keys {
  /** Reads one account. */
  readonly reader: string;
  /** Calls models, and sees its own. */
  readonly owner: string;
  /** Administers the platform. */
  readonly operator: string;
}

/** A deployment with traffic of every kind that the console shows. */
export interface House extends AsyncDisposable {
  readonly deployment: Deployment;
  readonly keys: Keys;
  readonly admin: Admin;
  /** Sends a chat with the owner's key; gives its request ID. */
  chat(model: string, more?: object, headers?: Readonly<Record<string, string>>): Promise<string>;
}

/** Starts a deployment for the console. */
export async function startHouse(mode: Mode, env: Readonly<Record<string, string>> = {}): Promise<House> {
  const deployment = await startDeployment(mode, {
    THROUGHLINE_ADMIN_KEY: adminKey,
    TRACE_UI_URL: "http://127.0.0.1:16686/trace/{trace_id}",
    ...env,
  });
  const admin = administer(deployment);
  const account = await admin.accounts.create.mutate({ name: "Acme Robotics" });
  const { account_id } = account;
  await admin.credits.add.mutate({ account_id, amount_usd: "50", reason: "First top-up", reference: "invoice-1" });
  const owner = await admin.keys.create.mutate({
    account_id,
    name: "checkout service",
    scopes: ["*"],
    kind: "server",
    limits: { requests_per_minute: 600, concurrent_requests: 20, daily_budget_usd: "5", monthly_budget_usd: "100" },
  });
  const reader = await admin.keys.create.mutate({ account_id, name: "reader", scopes: ["admin.read"], kind: "cli" });
  return {
    deployment,
    admin,
    keys: { reader: reader.secret, owner: owner.secret, operator: adminKey },
    async chat(model, more = {}, headers = {}) {
      const body = { model, messages: [{ role: "user", content: "Hello" }], max_tokens: 64, ...more };
      const response = await deployment.call("/v1/chat/completions", body, {
        authorization: `Bearer ${owner.secret}`,
        ...headers,
      });
      await response.arrayBuffer();
      return response.headers.get("x-request-id") ?? "";
    },
    [Symbol.asyncDispose]: () => deployment[Symbol.asyncDispose](),
  };
}

/** Builds the console, unless it is. */
export async function builtConsole(): Promise<void> {
  const script: { buildConsole: (node?: string) => Promise<boolean> } = await import(
    new URL("../../console/build.mjs", import.meta.url).href
  );
  await script.buildConsole(process.execPath);
}
