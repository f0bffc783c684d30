import { type ImportedChannel, numberOf, objectOf, textOf } from "./imported.ts";
import { litellmProviders, type Vendor, type VendorName, vendors } from "./vendors.ts";

/** `litellm_params` of a deployment. */
export type Params = Readonly<Record<string, unknown>>;

/** Names without a provider: LiteLLM knows them by themselves. */
const knownNames: readonly { readonly match: RegExp; readonly vendor: VendorName }[] = [
  { match: /^claude/, vendor: "anthropic" },
  { match: /^gemini/, vendor: "vertex" },
  { match: /^command|^rerank|^embed-/, vendor: "cohere" },
  { match: /^deepseek/, vendor: "deepseek" },
  { match: /^mistral|^codestral/, vendor: "mistral" },
  { match: /./, vendor: "openai" },
];

/** The vendor of a deployment, and the name that it is asked for. */
export function placeOf(
  model: string,
  params: Params,
): { readonly name: VendorName; readonly vendor: Vendor; readonly upstream: string } | undefined {
  const slash = model.indexOf("/");
  const prefix = slash > 0 ? model.slice(0, slash) : "";
  const said = textOf(params.custom_llm_provider);
  const known = litellmProviders[said ?? prefix];
  if (known !== undefined) {
    const upstream = litellmProviders[prefix] === undefined ? model : model.slice(slash + 1);
    const own = known === "openai" && textOf(params.api_base) !== undefined ? "compatible" : known;
    return upstream === "" ? undefined : { name: own, vendor: vendors[own], upstream };
  }
  if (said !== undefined || prefix !== "") return undefined;
  const guessed = knownNames.find(({ match }) => match.test(model))?.vendor ?? "openai";
  return { name: guessed, vendor: vendors[guessed], upstream: model };
}

/** Why a deployment has no vendor here. */
export function whyNoPlace(model: string): string {
  if (model.startsWith("auto_router/")) return "LiteLLM chooses among models by it; throughline/auto does so here";
  if (/^[^/]+\/$/.test(model)) return `"${model}" names no model`;
  return `there is no adapter for the provider of "${model}"`;
}

/** Address of a deployment; undefined: nobody says it. */
export function baseUrlOf(vendor: Vendor, params: Params): string | undefined {
  const said = textOf(params.api_base) ?? textOf(params.base_url);
  if (vendor.adapter === "bedrock") {
    const region = textOf(params.aws_region_name);
    return (
      said ??
      (region === undefined || region.startsWith("os.environ/")
        ? undefined
        : `https://bedrock-runtime.${region}.amazonaws.com`)
    );
  }
  if (vendor.adapter === "vertex") {
    const project = textOf(params.vertex_project);
    if (project === undefined || project.startsWith("os.environ/")) return said;
    const location = textOf(params.vertex_location) ?? "global";
    const host = location === "global" ? "aiplatform.googleapis.com" : `${location}-aiplatform.googleapis.com`;
    return `https://${host}/v1/projects/${project}/locations/${location}`;
  }
  const address = said ?? vendor.baseUrl;
  if (address === "" || address.startsWith("os.environ/")) return undefined;
  return address.replace(/\/+$/, "").replace(/\/(chat\/completions|embeddings|completions)$/, "");
}

/** The variable that has the key. A key that stands in the file goes into `secrets` under a name of its own. */
export function credentialOf(vendor: Vendor, params: Params, secrets: Map<string, string>): string | undefined {
  const access = textOf(params.aws_access_key_id);
  if (vendor.adapter === "bedrock" && access?.startsWith("os.environ/") === true) {
    const secret = textOf(params.aws_secret_access_key)?.replace("os.environ/", "") ?? "AWS_SECRET_ACCESS_KEY";
    return `${access.slice("os.environ/".length)}:${secret}`;
  }
  const key = textOf(params.api_key) ?? textOf(params.vertex_credentials);
  if (key === undefined) return vendor.baseUrl.includes("127.0.0.1") ? undefined : vendor.env;
  if (key.startsWith("os.environ/")) return key.slice("os.environ/".length);
  for (const [env, value] of secrets) if (value === key) return env;
  const env = `IMPORTED_KEY_${secrets.size + 1}`;
  secrets.set(env, key);
  return env;
}

/** `*` of LiteLLM stands for the vendor's whole list, as ours does; other patterns keep what comes before their star. */
export function servedName(
  name: string,
  upstream: string,
): { readonly name: string; readonly upstream: string } | undefined {
  if (!name.includes("*") && !upstream.includes("*")) return { name, upstream };
  if (upstream === "*" && /^[^*]*\*$/.test(name)) return { name: "*", upstream: "*" };
  if (/^[^*]+\*$/.test(name) && name === upstream) return { name, upstream: name };
  return undefined;
}

/** A channel of a deployment's account, without models. */
export function channelOf(
  name: string,
  vendor: Vendor,
  baseUrl: string,
  credential: string | undefined,
  params: Params,
): ImportedChannel {
  const version = textOf(params.api_version);
  const flavour: Record<string, unknown> = {};
  if (vendor.flavour !== undefined) flavour.vendor = vendor.flavour;
  if (vendor.flavour === "azure" && version !== undefined && !version.startsWith("os.environ/")) {
    flavour.path = `/openai/deployments/{model}/chat/completions?api-version=${version}`;
  }
  const weight = weightOf(params);
  const priority = priorityOf(params);
  const timeouts = timeoutsOf(params);
  const headers = headersOf(params);
  return {
    name,
    adapter: vendor.adapter,
    base_url: baseUrl,
    ...(Object.keys(flavour).length > 0 ? { flavour } : {}),
    ...(credential === undefined ? {} : { credentials: [{ env: credential }] }),
    groups: "*",
    ...(priority === 0 ? {} : { priority }),
    ...(weight === undefined ? {} : { weight }),
    ...(timeouts === undefined ? {} : { timeouts }),
    ...(headers === undefined ? {} : { headers }),
    models: {},
  };
}

/** What makes two deployments one channel: all but their names. */
export function accountOf(vendor: VendorName, baseUrl: string, credential: string | undefined, params: Params): string {
  return JSON.stringify([
    vendor,
    baseUrl,
    credential,
    textOf(params.api_version),
    weightOf(params),
    priorityOf(params),
    timeoutsOf(params),
    headersOf(params),
  ]);
}

/** LiteLLM shuffles by `weight`, else by `rpm`, else by `tpm` (in thousands here, to stay within our bound). */
function weightOf(params: Params): number | undefined {
  const tpm = numberOf(params.tpm);
  const weight = numberOf(params.weight) ?? numberOf(params.rpm) ?? (tpm === undefined ? undefined : tpm / 1_000);
  return weight === undefined ? undefined : Math.min(1_000_000, Math.max(1, Math.round(weight)));
}

/** `order` 1 goes first there; the higher priority goes first here. */
function priorityOf(params: Params): number {
  const order = numberOf(params.order);
  return order === undefined ? 0 : -Math.round(order);
}

function timeoutsOf(params: Params): Record<string, number> | undefined {
  const ms = (value: unknown): number | undefined => {
    const seconds = numberOf(value);
    return seconds === undefined ? undefined : Math.min(3_600_000, Math.max(1, Math.round(seconds * 1_000)));
  };
  const whole = ms(params.timeout);
  const first = ms(params.stream_timeout);
  if (whole === undefined && first === undefined) return undefined;
  return {
    ...(whole === undefined ? {} : { headers_ms: whole, body_ms: whole }),
    ...(first === undefined ? {} : { first_token_ms: first }),
  };
}

function headersOf(params: Params): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  const organization = textOf(params.organization);
  if (organization !== undefined && !organization.startsWith("os.environ/"))
    headers["OpenAI-Organization"] = organization;
  for (const [name, value] of Object.entries(objectOf(params.extra_headers) ?? {})) {
    const text = textOf(value);
    if (text !== undefined && !text.includes("os.environ/") && !/authorization|api-?key|cookie/i.test(name))
      headers[name] = text;
  }
  return Object.keys(headers).length > 0 ? headers : undefined;
}
