import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import { ErrorSchema, WantSchema } from "../gen/throughline/common/v1/common_pb.ts";

/** What of a lane method's descriptors the wire needs. */
export interface LaneShape {
  /** Path of the method, "/package.Service/Method". */
  readonly path: string;
  readonly item: DescMessage;
  readonly ok: DescMessage;
  /** Absent: the method has no frames. */
  readonly frame: DescMessage | undefined;
  readonly itemsTag: number;
  readonly resultsTag: number;
  /** Wire tags (number << 3 | 2), all of one byte. */
  readonly tags: {
    readonly call: number;
    readonly ok: number;
    readonly frame: number;
    readonly error: number;
    /** 0: the method's calls have no bodies beside their items. */
    readonly want: number;
  };
}

/** Name of a method as the conventions for spans write it: "package.Service/Method". */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

/** Path of a method as gRPC writes it. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/**
 * Reads a lane method's shape: input `{repeated items {Call call = 1}}`, output `{repeated results {uint32 call_id = 1;
 * oneof outcome {ok, error, frame, want}}}`. Throws, naming the method, where the contract departs from it.
 */
export function laneShape(method: DescMethod): LaneShape {
  const items = listOf(method, method.input, "items");
  const results = listOf(method, method.output, "results");
  const call = messageField(method, items.message, "call");
  if (call.field.number !== 1) throw shapeError(method, "its item's call is not field 1");
  if (results.message.field.callId?.number !== 1) throw shapeError(method, "its result's call_id is not field 1");
  const ok = messageField(method, results.message, "ok");
  if (ok.field.oneof?.localName !== "outcome") throw shapeError(method, "its ok is not in a oneof outcome");
  const error = messageField(method, results.message, "error");
  if (error.message.typeName !== ErrorSchema.typeName) throw shapeError(method, "its error is not the common one");
  const hasFrame = results.message.field.frame !== undefined;
  const frame = hasFrame ? messageField(method, results.message, "frame") : undefined;
  const want = results.message.field.want === undefined ? 0 : wantTag(method, items.message, results.message);
  return {
    path: methodPath(method),
    item: items.message,
    ok: ok.message,
    frame: frame?.message,
    itemsTag: items.tag,
    resultsTag: results.tag,
    tags: {
      call: call.tag,
      ok: ok.tag,
      frame: frame?.tag ?? 0,
      error: error.tag,
      want,
    },
  };
}

interface ShapedField {
  field: DescField;
  message: DescMessage;
  tag: number;
}

function listOf(method: DescMethod, message: DescMessage, name: string): ShapedField {
  const field = message.field[name];
  if (field?.fieldKind !== "list" || field.listKind !== "message") throw shapeError(method, `no repeated ${name}`);
  return { field, message: field.message, tag: tagOf(method, field) };
}

function messageField(method: DescMethod, message: DescMessage, name: string): ShapedField {
  const field = message.field[name];
  if (field?.fieldKind !== "message") throw shapeError(method, `${message.name} has no message ${name}`);
  return { field, message: field.message, tag: tagOf(method, field) };
}

/** Tag of the want in a result. Throws for a method whose messages cannot ask for pieces of a body and bring them. */
function wantTag(method: DescMethod, item: DescMessage, result: DescMessage): number {
  const want = messageField(method, result, "want");
  if (want.message.typeName !== WantSchema.typeName) throw shapeError(method, "its want is not the common one");
  for (const name of ["data", "dataOffset", "bodyLength"]) {
    if (item.field[name]?.fieldKind !== "scalar") throw shapeError(method, `${item.name} has no ${name}`);
  }
  return want.tag;
}

function tagOf(method: DescMethod, field: DescField): number {
  if (field.number > 15) throw shapeError(method, `field ${field.name} has a number above 15`);
  return (field.number << 3) | 2;
}

function shapeError(method: DescMethod, what: string): Error {
  return new Error(`${methodPath(method)} is not a lane: ${what}`);
}
