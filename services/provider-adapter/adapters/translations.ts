import type { Asked, Exchange, UpstreamMessage } from "../domain/exchange.ts";
import type { UpstreamFormat } from "../modules/chat/neutral/formats.ts";
import { clientDialects } from "../modules/chat/registry.ts";
import { translate } from "../modules/chat/translate.ts";
import type { TokenCount } from "./adapter.ts";

/** The exchanges between every client dialect and an upstream format, but the format's own: that one is passed through. */
export function translations(format: UpstreamFormat): Record<string, (asked: Asked) => Exchange> {
  return Object.fromEntries(
    clientDialects
      .filter((dialect) => dialect.name !== format.name)
      .map((dialect) => [dialect.name, translate(dialect, format)]),
  );
}

/** The counts of requests in every other client dialect, made of the message that would have been sent. */
export function countTranslations(
  format: UpstreamFormat,
  count: (message: UpstreamMessage) => TokenCount,
): Record<string, (asked: Asked) => TokenCount> {
  return Object.fromEntries(
    Object.entries(translations(format)).map(([name, exchange]) => [name, (asked) => count(exchange(asked).message)]),
  );
}
