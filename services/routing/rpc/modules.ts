import { Module as WireModule } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Module } from "../domain/types.ts";

const wire: Record<Module, WireModule> = {
  chat: WireModule.CHAT,
  embeddings: WireModule.EMBEDDINGS,
  image: WireModule.IMAGE,
  video: WireModule.VIDEO,
  audio: WireModule.AUDIO,
  rerank: WireModule.RERANK,
  moderation: WireModule.MODERATION,
};
const fromWire = new Map(Object.entries(wire).map(([module, value]) => [value, module as Module]));

/** The contract's value of a module. */
export function toWireModule(module: Module): WireModule {
  return wire[module];
}

/** The module of the contract's value; undefined when it is not said or not known. */
export function fromWireModule(value: WireModule): Module | undefined {
  return fromWire.get(value);
}
