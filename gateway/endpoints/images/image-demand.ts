import { imageBound } from "../../../shared/estimate/images.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money.ts";
import { inputTooLong, reservedInputTokens } from "../../domain/worst-case.ts";
import type { Demand } from "../../story/demand.ts";
import type { ImagesBody } from "./schema.ts";

/** What a request for images asks for: each of them at the most tokens that its size and quality may take. */
export function imageDemand(body: ImagesBody): Demand {
  const { model, prompt, n, size, quality, stream, partial_images: partials } = body;
  const inputTokens = estimateTextTokens(prompt);
  const images = n ?? 1;
  return {
    model,
    answer: stream === true ? "events" : "json",
    includeUsage: true,
    needs: { inputTokens, maxOutputTokens: 0, capabilities: [] },
    headers: {},
    affinity: "",
    worst: () => ({
      ...noUsage,
      inputTokens: BigInt(reservedInputTokens(inputTokens)),
      images: BigInt(images),
      more: [
        {
          unit: Unit.OUTPUT_IMAGE_TOKENS,
          amount: BigInt(imageBound(size ?? "auto", quality ?? "auto", partials ?? 0) * images),
        },
      ],
      traits: { ...certain("size", size), ...certain("quality", quality) },
    }),
    refuses: ({ contextWindowTokens }) => inputTooLong(inputTokens, contextWindowTokens, "prompt"),
  };
}

/** A trait that the upstream does not choose. */
function certain(name: string, value: string | null | undefined): Record<string, string> {
  return value === undefined || value === null || value === "auto" ? {} : { [name]: value };
}
