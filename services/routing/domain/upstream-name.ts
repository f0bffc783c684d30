import type { ChannelModel } from "./types.ts";

/** The name sent upstream: a `*` in it stands for what the client wrote in the place of the model's. */
export function upstreamName({ model, upstreamModel }: ChannelModel, concrete: string): string {
  if (!model.endsWith("*") || !upstreamModel.includes("*")) return upstreamModel;
  return upstreamModel.replace("*", () => concrete.slice(model.length - 1));
}
