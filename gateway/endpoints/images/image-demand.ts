import { imageBound, inputImageBound } from "../../../shared/estimate/images.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage, type Quantity } from "../../../shared/money/usage.ts";
import { inputTooLong, reservedInputTokens } from "../../domain/worst-case.ts";
import type { Demand } from "../../story/demand.ts";
import type { ImageFields } from "./schema.ts";

/**
 * What a request for images asks for: each of them at the most tokens that its size and quality may take.
 *
 * @param given how many images the client brings, its mask among them.
 */
export function imageDemand(fields: ImageFields, given = 0): Demand {
  const { model, prompt, n, size, quality, stream, partial_images: partials } = fields;
  const textTokens = estimateTextTokens(prompt);
  const images = n ?? 1;
  return {
    model,
    answer: stream === true ? "events" : "json",
    includeUsage: true,
    needs: {
      inputTokens: textTokens,
      maxOutputTokens: 0,
      capabilities: given > 0 ? ["image_edit"] : [],
    },
    headers: {},
    affinity: "",
    worst: () => ({
      ...noUsage,
      inputTokens: BigInt(reservedInputTokens(textTokens)),
      images: BigInt(images),
      more: quantities([
        [Unit.INPUT_IMAGE_TOKENS, given * inputImageBound],
        [Unit.OUTPUT_IMAGE_TOKENS, imageBound(size ?? "auto", quality ?? "auto", partials ?? 0) * images],
        [Unit.INPUT_IMAGES, given],
      ]),
      traits: { ...certain("size", size), ...certain("quality", quality) },
    }),
    refuses: ({ contextWindowTokens }) => inputTooLong(textTokens, contextWindowTokens, "prompt"),
  };
}

function quantities(counts: readonly (readonly [Unit, number])[]): Quantity[] {
  return counts.filter(([, count]) => count > 0).map(([unit, count]) => ({ unit, amount: BigInt(count) }));
}

/** A trait that the upstream does not choose. */
function certain(name: string, value: string | null | undefined): Record<string, string> {
  return value === undefined || value === null || value === "auto" ? {} : { [name]: value };
}
