import type { ModuleName } from "../../../shared/modules.ts";

/** What a model can do beyond its module's plain work. */
interface CapabilityEntry {
  /** Name in the configuration and in the contract's `Needs.capabilities`. */
  readonly name: string;
  /** What a client asked for, in words that follow "does not support". */
  readonly what: string;
  /** The parameter by which it asked. */
  readonly param: string;
  /** The parameter in modules where it is another one. */
  readonly paramOf?: Readonly<Partial<Record<ModuleName, string>>>;
}

/** Every capability, one row each. */
const table = [
  { name: "tools", what: "tools", param: "tools" },
  { name: "vision", what: "images", param: "messages", paramOf: { embeddings: "input", moderation: "input" } },
  { name: "structured_output", what: "structured output by a schema", param: "response_format" },
  { name: "audio", what: "audio", param: "messages" },
  { name: "dimensions", what: "a choice of dimensions", param: "dimensions" },
  { name: "image_edit", what: "edits of images", param: "image" },
  { name: "languages", what: "a choice of languages", param: "languages" },
  { name: "speech", what: "speech", param: "model" },
  { name: "transcription", what: "transcription", param: "model" },
  { name: "translation", what: "translation", param: "model" },
] as const satisfies readonly CapabilityEntry[];

export type Capability = (typeof table)[number]["name"];

const byName: ReadonlyMap<string, CapabilityEntry> = new Map(table.map((entry) => [entry.name, entry]));

/** Names of all capabilities. */
export const capabilities = table.map(({ name }) => name);

/** True: there is such a capability. */
export function isCapability(name: string): name is Capability {
  return byName.has(name);
}

/** What a client asked for by a capability, and by which parameter of a module's requests. */
export function askedFor(name: Capability, module: ModuleName): { readonly what: string; readonly param: string } {
  const entry = byName.get(name);
  if (entry === undefined) throw new RangeError(`there is no capability ${name}`);
  return { what: entry.what, param: entry.paramOf?.[module] ?? entry.param };
}
