import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { fromWireError } from "../../shared/errors/wire.ts";
import {
  CandidateSchema,
  Module,
  type PricingSchema,
  StoreResponse,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { BodySource } from "../../shared/rpc/index.ts";
import type { TestProvider } from "./testing-provider.ts";

/** What the gateway measured of a file: by its size at 4,000 bytes a second. */
const bytesPerMs = 4;

/** One transcription of a test. */
export interface TranscriptionGiven {
  /** Names with a list of values are sent once for each. */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  readonly candidates?: readonly { readonly channel: string; readonly model: string }[];
  readonly prices?: MessageInitShape<typeof PricingSchema>;
  readonly fileFirst?: boolean;
  readonly dialect?: string;
  readonly file?: Buffer;
  readonly filename?: string;
}

/** Sends a form with a file to the provider, as the gateway does, and reads what comes of it. */
export async function transcribeBy(
  provider: TestProvider,
  audio: Buffer,
  { fields = {}, candidates, prices, fileFirst, dialect, file = audio, filename }: TranscriptionGiven,
) {
  const texts = Object.entries({ model: "asked-for", ...fields }).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, content: { case: "value" as const, value } })),
  );
  const part = {
    name: "file",
    content: {
      case: "file" as const,
      value: {
        filename: filename ?? 'an "odd" näme.mp3',
        contentType: "audio/mpeg",
        offset: 0n,
        length: BigInt(file.length),
      },
    },
  };
  const reads: number[] = [];
  const body: BodySource = {
    length: file.length,
    read: async (offset, maxBytes) => {
      reads.push(offset);
      return file.subarray(offset, offset + maxBytes);
    },
  };
  const stream = provider.client.invoke.open(
    {
      dialect: dialect ?? "openai.transcription",
      module: Module.AUDIO,
      model: "asked-for",
      stream: fields.stream === "true",
      candidates: (candidates ?? [{ channel: "one", model: "gpt-4o-transcribe" }]).map(({ channel, model }) =>
        create(CandidateSchema, { channel, platform: channel, upstreamModel: model, pricing: prices ?? byToken }),
      ),
      form: fileFirst ? [part, ...texts] : [...texts, part],
      bodyLength: BigInt(file.length),
      inputAudioMs: BigInt(Math.ceil(file.length / bytesPerMs)),
      storeResponse: StoreResponse.FULL,
    },
    { requestId: provider.nextId(), timeoutMs: 20_000, body },
  );
  const parts: Uint8Array[] = [];
  let contentType = "";
  for await (const frame of stream) {
    contentType ||= frame.head?.contentType ?? "";
    parts.push(frame.data);
  }
  const outcome = await stream.outcome;
  const error = outcome.error === undefined ? undefined : fromWireError(outcome.error);
  return { text: Buffer.concat(parts).toString(), contentType, outcome, error, reads };
}

const byToken = { inputNanoUsdPerMtok: 1_000_000n, outputNanoUsdPerMtok: 1_000_000n };
