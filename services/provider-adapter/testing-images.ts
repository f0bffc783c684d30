import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromWireError } from "../../shared/errors/wire.ts";
import {
  CandidateSchema,
  Module,
  PricingSchema,
  StoreResponse,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { BodySource } from "../../shared/rpc/index.ts";
import type { TestProvider } from "./testing-provider.ts";

export interface Upstream {
  readonly adapter: string;
  readonly path: string;
  readonly flavour?: object;
  /** What comes where the client does not say how images come back. */
  readonly gives: "b64_json" | "url";
  /** Most images of one request, and most that may be given to an edit. */
  readonly n: number;
  readonly edits: number;
  readonly counts: boolean;
}

export const upstreams: Readonly<Record<string, Upstream>> = {
  openai: {
    adapter: "openai",
    path: "/v1",
    flavour: { vendor: "openai" },
    gives: "b64_json",
    n: 10,
    edits: 16,
    counts: true,
  },
  openrouter: {
    ...{ adapter: "openai", path: "/v1", flavour: { vendor: "openrouter" } },
    ...{ gives: "b64_json", n: 10, edits: 16, counts: true },
  },
  gemini: { adapter: "gemini", path: "/v1beta", gives: "b64_json", n: 1, edits: 14, counts: true },
  dashscope: {
    ...{ adapter: "openai", path: "/compatible-mode/v1", flavour: { vendor: "dashscope" } },
    ...{ gives: "url", n: 10, edits: 4, counts: false },
  },
  zhipu: {
    ...{ adapter: "openai", path: "/api/paas/v4", flavour: { vendor: "zhipu" } },
    ...{ gives: "url", n: 1, edits: 0, counts: false },
  },
  siliconflow: {
    ...{ adapter: "openai", path: "/siliconflow/v1", flavour: { vendor: "siliconflow" } },
    ...{ gives: "url", n: 10, edits: 3, counts: false },
  },
  volcengine: {
    ...{ adapter: "openai", path: "/api/v3", flavour: { vendor: "volcengine" } },
    ...{ gives: "url", n: 10, edits: 14, counts: true },
  },
  minimax: {
    ...{ adapter: "openai", path: "/v1", flavour: { vendor: "minimax" } },
    ...{ gives: "url", n: 10, edits: 0, counts: false },
  },
};
export const names = Object.keys(upstreams);
/** The channel of an upstream at which the failures happen. */
export const failing = (name: string) => `${name} that fails`;
export const editors = names.filter((name) => (upstreams[name]?.edits ?? 0) > 0);

export const prompt = "A lighthouse at dusk";
export const png = (name: string) =>
  Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(3_001, name)]);
export const given = [png("first"), png("second")];
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export interface Asking {
  readonly channel: string;
  readonly model?: string;
  readonly next?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly prices?: MessageInitShape<typeof PricingSchema>;
  /** Images of an edit. Absent: none, it is no edit. */
  readonly images?: readonly Buffer[];
  readonly mask?: Buffer;
}

/** Asks a provider for images, or for the edit of some. */
export async function askImages(
  by: TestProvider,
  { channel, model = "good", next, fields = {}, prices, images, mask }: Asking,
) {
  const pricing = create(PricingSchema, prices ?? { imageNanoUsd: 40_000_000n });
  const candidates = [{ channel, model }, ...(next === undefined ? [] : [{ channel: next, model: "good" }])];
  const files = [...(images ?? []), ...(mask === undefined ? [] : [mask])];
  const bytes = Buffer.concat(files);
  const body: BodySource = { length: bytes.length, read: async (at, most) => bytes.subarray(at, at + most) };
  const stream = by.client.invoke.open(
    {
      dialect: images === undefined ? "openai.images" : "openai.image_edits",
      module: Module.IMAGE,
      model: "m",
      stream: fields.stream === true,
      candidates: candidates.map(({ channel: name, model: upstreamModel }) =>
        create(CandidateSchema, { channel: name, platform: name, upstreamModel, pricing }),
      ),
      createdUnixS: 1_700_000_000n,
      storeResponse: StoreResponse.FULL,
      ...(images === undefined
        ? { body: Buffer.from(JSON.stringify({ model: "m", prompt, ...fields })) }
        : { form: partsOf(images, mask, fields), bodyLength: BigInt(bytes.length) }),
    },
    { requestId: by.nextId(), timeoutMs: 20_000, ...(images === undefined ? {} : { body }) },
  );
  const parts: Uint8Array[] = [];
  for await (const { data } of stream) parts.push(data);
  const outcome = await stream.outcome;
  const error = outcome.error === undefined ? undefined : fromWireError(outcome.error);
  return { text: Buffer.concat(parts).toString(), outcome, error };
}

/** The files first, as SDKs send them. */
function partsOf(images: readonly Buffer[], mask: Buffer | undefined, fields: Readonly<Record<string, unknown>>) {
  let offset = 0;
  const fileOf = (name: string, { length }: Buffer) => {
    const value = { filename: `${name}.png`, contentType: "image/png", offset: BigInt(offset), length: BigInt(length) };
    offset += length;
    return { name, content: { case: "file" as const, value } };
  };
  const field = ([name, value]: readonly [string, unknown]) => ({
    name,
    content: { case: "value" as const, value: String(value) },
  });
  return [
    ...images.map((image) => fileOf(images.length === 1 ? "image" : "image[]", image)),
    ...(mask === undefined ? [] : [fileOf("mask", mask)]),
    ...Object.entries({ model: "m", prompt, ...fields }).map(field),
  ];
}

export interface Answer {
  readonly data: readonly { readonly url?: string; readonly b64_json?: string }[];
  readonly usage?: { readonly output_tokens: number };
}
export const parsed = (text: string) => JSON.parse(text) as Answer;
export const isPng = (base64: string | undefined) => base64?.startsWith("iVBORw0KGgo") === true;
