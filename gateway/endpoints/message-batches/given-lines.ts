import type { FastifyRequest } from "fastify";
import Type from "typebox";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GatewayContext } from "../../context.ts";
import { readClientJson } from "../../domain/client-json.ts";
import type { UploadSource } from "../../domain/form.ts";
import { findElements } from "../../domain/json-elements.ts";
import { membersOf } from "../../domain/json-spans.ts";
import { validationError } from "../../edge/validation.ts";
import type { GivenLine } from "../batches/prepare-line.ts";

export const mostLines = 100_000;

/** The body of the creation. Each request is checked by itself as well, so that one which is wrong does not keep the others from being run. */
export const messageBatchBody = Type.Object({
  requests: Type.Array(
    Type.Object({
      custom_id: Type.String({ minLength: 1, maxLength: 64 }),
      params: Type.Record(Type.String(), Type.Unknown()),
    }),
    { minItems: 1, maxItems: mostLines },
  ),
});

/** What stands around the parameters of a request. */
const envelopeBytes = 64 * 1024;
const pieceBytes = 256 * 1024;

/**
 * The requests of a body that is in a spool, one after the other: a request and a piece are in memory. A body that is no such list
 * is refused as a whole, by the place of what is wrong.
 */
export async function* givenLines(
  { config, pacing, spent }: Pick<GatewayContext, "config" | "pacing" | "spent">,
  request: FastifyRequest,
  source: UploadSource,
): AsyncGenerator<GivenLine> {
  const { bodyLimitBytes } = config;
  const validate = request.compileValidationSchema(messageBatchBody);
  const pace = pacing.pace();
  const finder = findElements("requests", bodyLimitBytes + envelopeBytes, (index) => tooLong(index, bodyLimitBytes));
  const seen = new Set<string>();

  function check(body: object, index: number): void {
    if (validate(body)) return;
    const { code, message, param } = validationError(validate.errors ?? []);
    const place = (text: string): string => text.replace("requests[0]", `requests[${index}]`);
    throw new ThroughlineError(code, place(message), { param: param === undefined ? undefined : place(param) });
  }

  function lineOf(bytes: Buffer, index: number): GivenLine {
    if (index >= mostLines) throw refused("requests", `requests must NOT have more than ${mostLines} items.`);
    const { value, twice } = readClientJson(bytes, "The request body");
    const given = { requests: [value] };
    check(given, index);
    const { custom_id: customId, params } = value as { custom_id: string; params: Record<string, unknown> };
    // Each endpoint refuses by itself a name that stands twice within the parameters.
    if (twice === "custom_id" || twice === "params")
      throw refused(`requests[${index}].${twice}`, `${twice} is given twice.`);
    if (seen.has(customId)) {
      const param = `requests[${index}].custom_id`;
      throw refused(param, `${param} was given before.`);
    }
    seen.add(customId);
    const at = membersOf(bytes).get("params");
    if (at === undefined) throw refused("requests", "The requests of the batch cannot be told apart.");
    return { customId, body: params, bytes: bytes.subarray(at.start, at.end) };
  }

  for (let offset = 0; offset < source.length; ) {
    const piece = await source.read(offset, pieceBytes);
    if (piece.length === 0) throw new Error("an upload is shorter than it was");
    offset += piece.length;
    for (const element of finder.push(piece)) yield lineOf(element, seen.size);
    spent.add(piece.length);
    const others = pace();
    if (others !== undefined) await others;
  }
  const isThere = finder.end();
  if (seen.size === 0) check(isThere ? { requests: [] } : {}, 0);
}

function refused(param: string, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}

function tooLong(index: number, most: number): ThroughlineError {
  const message = `requests[${index}] is longer than ${Math.floor(most / 1024 / 1024)} MB.`;
  return new ThroughlineError("request_too_large", message, { param: `requests[${index}]` });
}
