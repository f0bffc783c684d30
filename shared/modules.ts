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
}

/** Names of the modules. */
export const moduleNames = ["chat", "embeddings", "image", "video", "audio", "rerank", "moderation"] as const;
export type ModuleName = (typeof moduleNames)[number];

const table: readonly ModuleEntry[] = [
  { module: Module.CHAT, name: "chat", operation: "chat", outputType: "text" },
  { module: Module.EMBEDDINGS, name: "embeddings", operation: "embeddings" },
  { module: Module.IMAGE, name: "image", operation: "image_generation", outputType: "image" },
  { module: Module.VIDEO, name: "video", operation: "video_generation" },
  { module: Module.AUDIO, name: "audio", operation: "audio", outputType: "speech" },
  { module: Module.RERANK, name: "rerank", operation: "rerank" },
  { module: Module.MODERATION, name: "moderation", operation: "moderation" },
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
