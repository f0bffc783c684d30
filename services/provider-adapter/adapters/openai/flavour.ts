import { z } from "zod";
import type { OpenaiFlavour } from "../../domain/flavour.ts";
import { inBandFailure } from "./errors.ts";

const patch = z.record(z.string(), z.unknown());

/** A channel's `flavour` in the configuration: how a vendor differs from OpenAI. */
const flavourSchema = z.strictObject({
  stream_options: z.boolean().default(true),
  drop_fields: z.array(z.string()).default([]),
  rename_fields: z.record(z.string(), z.string()).default({}),
  thinking_on: patch.default({ enable_thinking: true }),
  thinking_off: patch.default({ enable_thinking: false }),
});

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): OpenaiFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return {
    streamOptions: given.stream_options,
    dropFields: given.drop_fields,
    renameFields: given.rename_fields,
    thinkingOn: toTexts(given.thinking_on),
    thinkingOff: toTexts(given.thinking_off),
    streamError: inBandFailure,
  };
}

function toTexts(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)]));
}
