import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReserveItemSchema } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { InvokeItemSchema, RequestFacts } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { ResolveItemSchema, Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { isFile, type Upload } from "../domain/form.ts";
import { dearestCase } from "../domain/worst-case.ts";
import type { Ask } from "./ask.ts";
import { endUserOf } from "./closing.ts";
import { type Demand, isStream, type ModelLimits } from "./demand.ts";
import { requestDigest } from "./idempotency.ts";

/** Capabilities that have a field of their own in the contract. */
const fieldsOf: ReadonlySet<string> = new Set(["tools", "vision", "audio", "structured_output"]);

/** What routing is asked. */
export function resolveItem({ principal, module, demand }: Resolvable): MessageInitShape<typeof ResolveItemSchema> {
  const { inputTokens, maxOutputTokens, capabilities } = demand.needs;
  return {
    group: principal.group,
    model: demand.model,
    module,
    affinity: demand.affinity,
    needs: {
      inputTokens: BigInt(inputTokens),
      tools: capabilities.includes("tools"),
      vision: capabilities.includes("vision"),
      audio: capabilities.includes("audio"),
      structuredOutput: capabilities.includes("structured_output"),
      maxOutputTokens: BigInt(maxOutputTokens),
      capabilities: capabilities.filter((name) => !fieldsOf.has(name)),
    },
  };
}

/** What a request says of itself before it has a route. */
export interface Resolvable extends Pick<Ask, "incoming" | "principal" | "module"> {
  readonly demand: Pick<Demand, "model" | "affinity" | "needs">;
}

/** What billing is asked to hold. `job`: nobody waits for its end on a connection. */
export function reserveItem(ask: Ask, route: Route, job: boolean): MessageInitShape<typeof ReserveItemSchema> {
  return {
    accountId: ask.principal.accountId,
    keyId: ask.principal.keyId,
    secretGeneration: ask.principal.secretGeneration,
    userId: ask.principal.userId,
    module: ask.module,
    model: route.model,
    ...dearestCase(route.candidates, ask.demand.worst(route)),
    dialect: ask.dialect,
    job,
    endUser: endUserOf(ask),
    tags: ask.labels.tags as string[],
    ...(ask.idempotencyKey === "" ? {} : { idempotencyKey: ask.idempotencyKey, idempotencyDigest: requestDigest(ask) }),
  };
}

type InvokeInit = MessageInitShape<typeof InvokeItemSchema>;

/** The form, without its files' bytes: the provider asks for those. */
function formFields(
  { parts, source }: Upload,
  inputAudioMs = 0,
): Pick<InvokeInit, "form" | "bodyLength" | "inputAudioMs"> {
  return {
    bodyLength: BigInt(source.length),
    inputAudioMs: BigInt(inputAudioMs),
    form: parts.map((part) => {
      const { name } = part;
      if (!isFile(part)) return { name, content: { case: "value" as const, value: part.value } };
      const { filename, contentType, offset, length, sha256 } = part;
      const file = {
        filename,
        contentType,
        offset: BigInt(offset),
        length: BigInt(length),
        sha256: Buffer.from(sha256, "hex"),
      };
      return { name, content: { case: "file" as const, value: file } };
    }),
  };
}

/** Tokens that an estimate of the input may fall short of, in percent. */
const shortfallPercent = 110;
/** Less room than this for the answer is no answer: the upstream is to say that the input is too long. */
const leastOutputTokens = 256;

/**
 * The most that the model gives, where the client asked for more: agents ask every model for what the largest gives. The input
 * stands in the same window as the answer. 0: the client asked for no more.
 */
export function outputCeiling({ inputTokens, maxOutputTokens: asked }: Demand["needs"], limits: ModelLimits): bigint {
  const bounds: number[] = [];
  if (limits.maxOutputTokens > 0n) bounds.push(Number(limits.maxOutputTokens));
  const left = Number(limits.contextWindowTokens) - Math.ceil((inputTokens * shortfallPercent) / 100);
  if (limits.contextWindowTokens > 0n && left >= leastOutputTokens) bounds.push(left);
  const ceiling = Math.min(...bounds);
  return asked > ceiling ? BigInt(ceiling) : 0n;
}

/** What the provider is asked to do. */
export function invokeItem(
  ask: Ask,
  route: Route,
  facts: RequestFacts,
  elapsedUs: bigint,
): MessageInitShape<typeof InvokeItemSchema> {
  const { demand } = ask;
  return {
    dialect: ask.dialect,
    module: ask.module,
    model: demand.model,
    control: route.control,
    stream: isStream(demand.answer),
    includeUsage: demand.includeUsage,
    candidates: route.candidates,
    body: ask.body,
    elapsedUs,
    headers: demand.headers,
    createdUnixS: ask.incoming.arrivedUnixUs / 1_000_000n,
    storeResponse: ask.storeResponse,
    configVersion: route.configVersion,
    estimatedInputTokens: BigInt(demand.needs.inputTokens),
    facts,
    outputCeiling: outputCeiling(demand.needs, route),
    ...(ask.upload === undefined ? {} : formFields(ask.upload, demand.inputAudioMs)),
  };
}
