import { textOf } from "./imported.ts";
import type { Params } from "./litellm-params.ts";
import type { Vendor } from "./vendors.ts";

/** Variables, by their names. */
export type Variables = Readonly<Record<string, string | undefined>>;

const prefix = "os.environ/";
/** Parameters that our configuration writes out, where LiteLLM may name a variable. Keys stay variables. */
const writtenOut = [
  "api_base",
  "base_url",
  "api_version",
  "organization",
  "aws_region_name",
  "vertex_project",
  "vertex_location",
] as const;
/** Variables that LiteLLM reads by itself where a deployment says nothing, by our adapter or flavour. */
const ownVariables: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  azure: { api_base: ["AZURE_API_BASE"] },
  bedrock: { aws_region_name: ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"] },
  vertex: { vertex_project: ["VERTEXAI_PROJECT"], vertex_location: ["VERTEXAI_LOCATION"] },
};

/** The parameters with what their variables hold, as far as these are set here. */
export function withVariables(vendor: Vendor, params: Params, variables: Variables): Params {
  const filled: Record<string, unknown> = { ...params };
  for (const [name, own] of Object.entries(ownVariables[kindOf(vendor)] ?? {})) {
    const found = own.map((one) => textOf(variables[one])).find((value) => value !== undefined);
    if (textOf(filled[name]) === undefined && found !== undefined) filled[name] = found;
  }
  for (const name of writtenOut) {
    const variable = variableOf(filled[name]);
    const value = variable === undefined ? undefined : textOf(variables[variable]);
    if (value !== undefined) filled[name] = value;
  }
  return filled;
}

/** Why a deployment has no address. */
export function whyNoAddress(vendor: Vendor, params: Params): string {
  const named = writtenOut.flatMap((name) => {
    const variable = variableOf(params[name]);
    return variable === undefined ? [] : [{ name, variable }];
  })[0];
  if (named !== undefined)
    return `${named.name} is in the variable ${named.variable}, which is not set here: set it and import again`;
  const missing = { azure: "api_base", bedrock: "aws_region_name", vertex: "vertex_project" }[kindOf(vendor)];
  const own = Object.values(ownVariables[kindOf(vendor)] ?? {}).flat();
  const variables = own.length === 0 ? "" : `, and ${own.join(", ")} ${own.length === 1 ? "is" : "are"} not set here`;
  return `it says no ${missing ?? "api_base"}${variables}`;
}

function kindOf(vendor: Vendor): string {
  return vendor.flavour ?? vendor.adapter;
}

function variableOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text?.startsWith(prefix) === true ? text.slice(prefix.length) : undefined;
}
