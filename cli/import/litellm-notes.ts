import { objectOf, textOf } from "./imported.ts";

/** Notes on settings that are neither channels nor models, by their path. A setting that is missing here is taken over, or means nothing to us. */
const told: Readonly<Record<string, string>> = {
  "general_settings.master_key":
    "master_key: administration uses a key of kind cli here (`throughline init`, THROUGHLINE_ADMIN_KEY).",
  "general_settings.database_url": "database_url: set DATABASE_URL.",
  "general_settings.alerting": "alerting: create a webhook for the events alert.* (`throughline webhooks create`).",
  "general_settings.pass_through_endpoints": "pass_through_endpoints: paths that are not known are refused here.",
  "general_settings.custom_auth":
    "custom_auth: keys are made by `throughline keys create`; there is no code of yours in the gateway.",
  "litellm_settings.drop_params":
    "drop_params: what an upstream cannot express is refused by name here, and not dropped.",
  "litellm_settings.num_retries": "num_retries: each channel that serves a model is tried in turn here.",
  "litellm_settings.success_callback":
    "success_callback: every request has its record; `throughline export` and OTLP traces take it elsewhere.",
  "litellm_settings.failure_callback": "failure_callback: every failure has its record, with its code.",
  "litellm_settings.callbacks":
    "callbacks: every request has its record; `throughline export` and OTLP traces take it elsewhere.",
  "litellm_settings.cache": "cache: answers are not cached here; an Idempotency-Key gives the same answer again.",
  "litellm_settings.max_budget":
    "max_budget: give the account or the key a budget (`--daily-budget`, `--monthly-budget`).",
  "litellm_settings.request_timeout":
    "request_timeout: set REQUEST_TIMEOUT of the gateway, or `timeouts` of a channel.",
  "litellm_settings.context_window_fallbacks":
    "context_window_fallbacks: a prompt that is too long is refused here; use an `auto` model.",
  "litellm_settings.content_policy_fallbacks":
    "content_policy_fallbacks: what an upstream refuses to answer is told to the client.",
  "litellm_settings.default_fallbacks": "default_fallbacks: name the fallbacks of each model.",
  "router_settings.routing_strategy":
    "routing_strategy: channels of one priority share requests by weight and by health.",
  "router_settings.redis_host": "redis_host: set VALKEY_URL for limits over several replicas.",
  "router_settings.redis_url": "redis_url: set VALKEY_URL for limits over several replicas.",
  environment_variables: "environment_variables: set them where the processes run.",
  guardrails: "guardrails: there are none here.",
  mcp_servers: "mcp_servers: there are none here.",
};

/** Aliases, fallbacks and notes of all that is not in `model_list`. */
export function settingNotes(root: Readonly<Record<string, unknown>>): {
  readonly aliases: Record<string, string>;
  readonly fallbacks: ReadonlyMap<string, readonly string[]>;
  readonly notes: readonly string[];
} {
  const router = objectOf(root.router_settings) ?? {};
  const general = objectOf(root.litellm_settings) ?? {};
  const notes: string[] = [];
  for (const [path, note] of Object.entries(told)) {
    const [section = "", field] = path.split(".");
    const value = field === undefined ? root[section] : objectOf(root[section])?.[field];
    if (value !== undefined && value !== null && value !== false) notes.push(note);
  }
  const aliases: Record<string, string> = {};
  for (const [alias, target] of Object.entries(objectOf(router.model_group_alias) ?? {})) {
    const name = textOf(target) ?? textOf(objectOf(target)?.model);
    if (name !== undefined) aliases[alias] = name;
  }
  const fallbacks = new Map<string, readonly string[]>();
  for (const list of [router.fallbacks, general.fallbacks]) {
    for (const entry of Array.isArray(list) ? list : []) {
      for (const [name, standIns] of Object.entries(objectOf(entry) ?? {})) {
        const names = (Array.isArray(standIns) ? standIns : [standIns]).flatMap((value) => textOf(value) ?? []);
        fallbacks.set(name, names);
      }
    }
  }
  return { aliases, fallbacks, notes };
}
