import type { JsonObject } from "./json.ts";
import type { FieldPatch } from "./patch-json.ts";

/** Quirks of an OpenAI-compatible vendor, as data. */
export interface OpenaiFlavour {
  /** The vendor takes stream_options.include_usage. */
  readonly streamOptions: boolean;
  /** Fields that the vendor refuses. */
  readonly dropFields: readonly string[];
  /** Fields that the vendor names differently. */
  readonly renameFields: Readonly<Record<string, string>>;
  /** What switches thinking on. */
  readonly thinkingOn: FieldPatch;
  /** What switches thinking off. */
  readonly thinkingOff: FieldPatch;
  /** The error of an object inside a 200 or a stream. */
  readonly streamError: (error: JsonObject) => Error;
}
