import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { GetAnswerResponse } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { HeadSchema } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { GatewayContext } from "../context.ts";
import { isFile } from "../domain/form.ts";
import type { Answer, Ask } from "./ask.ts";
import type { Demand } from "./demand.ts";
import type { Ending } from "./ending.ts";
import { acceptedHeaders, acceptedStatus } from "./later.ts";

/** Largest answer that is kept for a replay; the repeat of a larger one runs anew. */
export const maxStoredBytes = 4 * 1024 * 1024;
const keyForm = /^[\x21-\x7e]{1,255}$/;

/**
 * The client's Idempotency-Key, bare or as a quoted string (draft-ietf-httpapi-idempotency-key-header-07); empty: none.
 * Throws invalid_value when it is not 1 to 255 visible ASCII characters.
 */
export function idempotencyKeyOf(header: string | string[] | undefined): string {
  if (header === undefined) return "";
  const text = (Array.isArray(header) ? header.join(",") : header).trim();
  const bare = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1]?.replace(/\\(["\\])/g, "$1") ?? text;
  if (!keyForm.test(bare)) {
    throw new ThroughlineError("invalid_value", "Idempotency-Key must be 1 to 255 visible ASCII characters.", {
      param: "Idempotency-Key",
    });
  }
  return bare;
}

/**
 * What must be equal for two requests with one Idempotency-Key to be the same: dialect, what the address says, and body. Of a form its parts in order,
 * because the boundary between them is another one each time.
 */
export function requestDigest(ask: Pick<Ask, "dialect" | "body" | "upload"> & Addressed): Uint8Array {
  const { dialect, body, upload, demand } = ask;
  const hash = createHash("sha256").update(dialect).update("\0");
  if (demand?.addressed !== undefined) hash.update(demand.addressed).update("\0");
  hash.update(body);
  for (const part of upload?.parts ?? []) {
    hash.update(JSON.stringify(isFile(part) ? [part.name, part.filename, part.sha256] : [part.name, part.value]));
  }
  return hash.digest();
}

interface Addressed {
  readonly demand?: Pick<Demand, "addressed">;
}

/** Keeps the answer of a request that bore an Idempotency-Key; a failed one is forgotten so that a repeat runs anew. */
export async function storeAnswer(context: GatewayContext, ask: Ask, ending: Ending): Promise<void> {
  const whole = ending.error === undefined && ending.outcome?.cancelled !== true && ending.keptBytes <= maxStoredBytes;
  await context.billing.storeAnswer(
    {
      requestId: ask.incoming.id,
      httpStatus: 200,
      contentType: ending.contentType,
      body: whole ? Buffer.concat(ending.kept) : new Uint8Array(),
      forget: !whole,
    },
    { requestId: ask.incoming.id, timeoutMs: context.config.finishTimeoutMs },
  );
}

/** What the first request with this key got. */
export function storedAnswer(context: GatewayContext, ask: Ask, first: bigint): Promise<GetAnswerResponse> {
  return context.billing.getAnswer(
    { requestId: first, accountId: ask.principal.accountId },
    { requestId: ask.incoming.id, timeoutMs: context.config.callTimeoutMs },
  );
}

/** Answers with it, without a second charge. `first`: the request that got it. */
export async function replayAnswer(stored: GetAnswerResponse, first: bigint, answer: Answer): Promise<void> {
  const { contentType, httpStatus } = stored;
  const headers = httpStatus === acceptedStatus ? acceptedHeaders(first) : {};
  answer.begin(create(HeadSchema, { contentType, httpStatus }), { ...headers, "idempotent-replayed": "true" });
  const ready = answer.write(stored.body);
  if (ready !== undefined) await ready;
  answer.end();
}
