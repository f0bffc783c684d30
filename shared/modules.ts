import { Module } from "./gen/throughline/common/v1/common_pb.ts";

/** A kind of work: one name for the scope of keys, the configuration, the ledger, records, spans and metrics. */
export interface ModuleEntry {
  readonly module: Module;
  /** Name, and the scope that a key needs. */
  readonly name: ModuleName;
  /** gen_ai.operation.name of its spans; OpenTelemetry's conventions have values for `chat` and `embeddings`. */
  readonly operation: string;
  /** gen_ai.output.type. Absent: none of the conventions' values. */
  readonly outputType?: string;
  /** Paths of its endpoints, the usual one first: all POST. Empty: none serves it yet. */
  readonly endpoints: readonly string[];
  /** Kinds of its work that a model may do alone, each with the paths of its endpoints. Absent: every model does all of it. */
  readonly operations?: Readonly<Partial<Record<Operation, readonly string[]>>>;
  /** Paths that serve only models with a capability, each with its name. Absent: none. */
  readonly capabilityOf?: Readonly<Record<string, string>>;
  /** Vendors give it away: a model that nobody prices is free. Absent: such a model is refused. */
  readonly isFreeUnlessPriced?: true;
}

/** Names of the modules. */
export const moduleNames = ["chat", "embeddings", "image", "video", "audio", "rerank", "moderation"] as const;
export type ModuleName = (typeof moduleNames)[number];

/** Kinds of work within a module. A model whose capabilities name one of them does no other. */
export const operations = ["speech", "transcription", "translation"] as const;
export type Operation = (typeof operations)[number];

const gemini = (...verbs: readonly string[]) => verbs.map((verb) => `/v1beta/models/{model}:${verb}`);
const chat = [
  ...["/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"],
  ...gemini("generateContent", "streamGenerateContent"),
];
const embeddings = ["/v1/embeddings", ...gemini("embedContent", "batchEmbedContents")];
const audio = {
  speech: ["/v1/audio/speech"],
  transcription: ["/v1/audio/transcriptions"],
  translation: ["/v1/audio/translations"],
};
const image = ["/v1/images/generations", "/v1/images/edits"];
const video = ["/v1/videos", "/v1/video/generations"];
const rerank = ["/v2/rerank", "/v1/rerank", "/rerank"];

const table: readonly ModuleEntry[] = [
  { module: Module.CHAT, name: "chat", operation: "chat", outputType: "text", endpoints: chat },
  { module: Module.EMBEDDINGS, name: "embeddings", operation: "embeddings", endpoints: embeddings },
  {
    ...{ module: Module.IMAGE, name: "image", operation: "image_generation", outputType: "image", endpoints: image },
    capabilityOf: { "/v1/images/edits": "image_edit" },
  },
  { module: Module.VIDEO, name: "video", operation: "video_generation", endpoints: video },
  {
    ...{ module: Module.AUDIO, name: "audio", operation: "audio", outputType: "speech" },
    ...{ operations: audio, endpoints: Object.values(audio).flat() },
  },
  { module: Module.RERANK, name: "rerank", operation: "rerank", endpoints: rerank },
  {
    ...{ module: Module.MODERATION, name: "moderation", operation: "moderation", endpoints: ["/v1/moderations"] },
    isFreeUnlessPriced: true,
  },
];

const byModule: ReadonlyMap<Module, ModuleEntry> = new Map(table.map((entry) => [entry.module, entry]));
const byName: ReadonlyMap<string, ModuleEntry> = new Map(table.map((entry) => [entry.name, entry]));

/** The name of the contract's value; empty where it is not said or not known. */
export function moduleNameOf(module: Module): ModuleName | "" {
  return byModule.get(module)?.name ?? "";
}

/** The contract's value of a name; UNSPECIFIED for what is none. */
export function moduleOf(name: string): Module {
  return byName.get(name)?.module ?? Module.UNSPECIFIED;
}

/** gen_ai.operation.name of a module's name, for spans and metrics alike. */
export function operationOf(name: string): string {
  return byName.get(name)?.operation ?? name;
}

/** gen_ai.output.type of a module's name; undefined: none. */
export function outputTypeOf(name: string): string | undefined {
  return byName.get(name)?.outputType;
}

/**
 * Paths of the endpoints of a module's name, the usual one first; none: it is not served yet.
 *
 * @param capabilities of a model: where they name operations of the module, the paths are those of these alone, and what needs a
 *   capability that is not among them is left out. Null: not known, nothing is.
 */
export function endpointsOf(name: string, capabilities: readonly string[] | null = null): readonly string[] {
  const entry = byName.get(name);
  const paths = Object.entries(entry?.operations ?? {}).flatMap(([operation, own]) =>
    capabilities?.includes(operation) ? own : [],
  );
  const all = paths.length > 0 ? paths : (entry?.endpoints ?? []);
  const { capabilityOf } = entry ?? {};
  if (capabilities === null || capabilityOf === undefined) return all;
  return all.filter((path) => {
    const needed = capabilityOf[path];
    return needed === undefined || capabilities.includes(needed);
  });
}

/** True: it names a kind of work within a module. */
export function isOperation(name: string): name is Operation {
  return operations.some((operation) => operation === name);
}

/** True: a model of this module's name that has no price is free. */
export function isFreeUnlessPriced(name: string): boolean {
  return byName.get(name)?.isFreeUnlessPriced === true;
}
