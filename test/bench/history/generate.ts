import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  Module,
  PriceSource,
  type Pricing,
  PricingSchema,
  UsageSchema,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  DetailSchema,
  type Record as HistoryRecord,
  RecordSchema,
  RecordStatus,
} from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { fromParts } from "../../../shared/request-id.ts";

/** Share of all records that belong to account 1, whose deepest pages are measured. */
const bigAccountShare = 0.5;
const accounts = 400;
const users = 20_000;
const models = [
  "gpt-4o",
  "gpt-4o-mini",
  "gpt-5",
  "claude-sonnet-4-5",
  "claude-haiku-4-5",
  "gemini-2.5-pro",
  "deepseek-chat",
  "qwen-max",
];
const channels = ["openai-main", "openai-eu", "anthropic-1", "gemini-1", "deepseek-1"];

/** Makes records as a busy platform would: text that compresses like prose, half with an end user, 2 % failed. */
export function createGenerator(startMs: number) {
  const random = createRandom(20_261_121);
  const prose = readProse();
  const pricings = models.map((model, n) => pricing(model, BigInt(n + 1)));
  let serial = 0;

  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

  /** The record number `n`, created `perRecordMs` after the one before it. */
  return function next(perRecordMs: number): HistoryRecord {
    const n = serial++;
    const unixMs = Math.floor(startMs + n * perRecordMs);
    const requestId = fromParts({ unixMs, node: n % 4, sequence: n % 4096 });
    const accountId = random() < bigAccountShare ? 1n : BigInt(2 + Math.floor(random() ** 2 * accounts));
    const failed = random() < 0.02;
    const model = Math.floor(random() * models.length);
    const length = 150 + Math.floor(random() ** 2 * 4_500);
    const createdUnixUs = BigInt(unixMs) * 1_000n + BigInt(Math.floor(random() * 1_000));
    const durationUs = BigInt(300_000 + Math.floor(random() ** 3 * 20_000_000));
    const channel = pick(channels);
    return create(RecordSchema, {
      requestId,
      accountId,
      keyId: accountId * 10n + BigInt(Math.floor(random() * 3)),
      userId:
        random() < 0.5
          ? `user_${Math.floor(random() ** 2 * users)
              .toString(36)
              .padStart(12, "0")}`
          : "",
      fromAppserver: random() < 0.3,
      status: failed ? RecordStatus.FAILED : RecordStatus.SUCCEEDED,
      module: Module.CHAT,
      model: models[model] ?? "",
      requestedModel: models[model] ?? "",
      platform: "openai",
      channel,
      strategy: "standard",
      dialect: "openai.chat",
      stream: random() < 0.6,
      attemptId: requestId + 1n,
      httpStatus: failed ? 502 : 200,
      errorCode: failed ? "upstream_error" : "",
      errorMessage: failed ? "Every candidate upstream failed." : "",
      createdUnixUs,
      updatedUnixUs: createdUnixUs + durationUs,
      usage: create(UsageSchema, {
        inputTokens: BigInt(50 + Math.floor(random() * 4_000)),
        outputTokens: BigInt(length >> 2),
        cachedInputTokens: random() < 0.3 ? 1_024n : 0n,
      }),
      pricing: pricings[model] as Pricing,
      reservedNanoUsd: 25_000_000n,
      billedNanoUsd: failed ? 0n : BigInt(Math.floor(random() * 20_000_000)),
      billingReason: failed ? "failed" : "usage",
      policy: 1,
      storeResponse: 1,
      durationUs,
      firstByteUs: durationUs / 4n,
      response: failed
        ? new Uint8Array()
        : Buffer.from(answer(requestId, models[model] ?? "", prose(random(), length))),
      messageId: `chatcmpl-${requestId}`,
      upstreamRequestId: `req_${Math.floor(random() * 2 ** 48).toString(16)}${Math.floor(random() * 2 ** 48).toString(16)}`,
      detailBytes: detail(requestId, channel, durationUs),
    });
  };
}

function answer(id: bigint, model: string, content: string): string {
  return JSON.stringify({
    id: `chatcmpl-${id}`,
    object: "chat.completion",
    created: Number(id >> 32n),
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: Number(id & 4095n),
      completion_tokens: content.length >> 2,
      total_tokens: 1_234,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    service_tier: "default",
    system_fingerprint: `fp_${(id & 0xffff_ffffn).toString(16)}`,
  });
}

function detail(id: bigint, channel: string, durationUs: bigint): Uint8Array {
  const names = [
    "received",
    "authenticated",
    "resolved",
    "reserved",
    "upstream_sent",
    "first_byte",
    "last_byte",
    "settled",
  ];
  return toBinary(
    DetailSchema,
    create(DetailSchema, {
      attempts: [
        {
          attemptId: id + 1n,
          channel,
          platform: "openai",
          upstreamModel: "gpt-4o-2024-08-06",
          httpStatus: 200,
          startUs: 1_200n,
          headUs: durationUs / 4n,
          endUs: durationUs,
        },
      ],
      reasons: channels.map((name) => ({
        channel: name,
        reason: name === channel ? "priority 10, weight 3 of 5" : "wrong group",
        chosen: name === channel,
      })),
      timeline: names.map((name, n) => ({ name, atUs: (durationUs * BigInt(n)) / 8n })),
      traceId: id.toString(16).padStart(32, "0"),
      finishReason: "stop",
      responseModel: "gpt-4o-2024-08-06",
    }),
  );
}

function pricing(strategy: string, factor: bigint): Pricing {
  return create(PricingSchema, {
    strategy,
    inputNanoUsdPerMtok: 2_500_000_000n * factor,
    outputNanoUsdPerMtok: 10_000_000_000n * factor,
    groupRatioPpm: 1_000_000,
    source: PriceSource.TABLE,
  });
}

/** Pieces of real English: the README files of the packages that are installed. */
function readProse(): (position: number, length: number) => string {
  const root = path.join(import.meta.dirname, "../../../node_modules");
  const texts: string[] = [];
  for (const name of readdirSync(root)) {
    try {
      texts.push(readFileSync(path.join(root, name, "README.md"), "utf8"));
    } catch {
      // Not every package has one.
    }
  }
  const all = texts.join("\n");
  return (position, length) => {
    const from = Math.floor(position * (all.length - length));
    return all.slice(from, from + length).toWellFormed();
  };
}

/** Numbers from 0 to 1 that are the same in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
