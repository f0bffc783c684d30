import { z } from "zod";
import type { UpstreamMessage } from "../domain/exchange.ts";
import { videoDialect, videoExchange } from "../modules/video/exchange.ts";
import type { VideoFormat } from "../modules/video/format.ts";
import type { Adapter } from "./adapter.ts";
import { type ErrorRule, httpFailure } from "./openai/errors.ts";

/** A vendor that has jobs for videos and nothing else that is served. */
export interface VideoVendor {
  /** Headers that carry the credential. */
  sign(credential: string, message: UpstreamMessage): Readonly<Record<string, string>>;
  readonly format: VideoFormat;
  /** What its errors mean where they are its own. */
  readonly rules: readonly ErrorRule[];
  readonly requestIdHeaders?: readonly string[];
}

/** Nothing differs from the vendor's own API. */
const noFlavour = z.strictObject({});

/** The adapter of such a vendor. */
export function videoAdapter({ sign, format, rules, requestIdHeaders = [] }: VideoVendor): Adapter {
  return {
    open(flavourJson) {
      noFlavour.parse(flavourJson === "" ? {} : JSON.parse(flavourJson));
      return {
        sign,
        requestIdHeaders,
        exchanges: { [videoDialect]: (asked) => videoExchange(asked, format) },
        failure: (status, headers, body, upstreamRequestId) =>
          httpFailure(status, headers, body, upstreamRequestId, rules),
      };
    },
  };
}
