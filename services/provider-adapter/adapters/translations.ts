import { clientDialects } from "../dialects/registry.ts";
import type { Asked, Exchange } from "../domain/exchange.ts";
import type { UpstreamFormat } from "../domain/neutral/formats.ts";
import { translate } from "../domain/translate.ts";

/** The exchanges between every client dialect and an upstream format, but the format's own: that one is passed through. */
export function translations(format: UpstreamFormat): Record<string, (asked: Asked) => Exchange> {
  const exchanges: Record<string, (asked: Asked) => Exchange> = {};
  for (const dialect of clientDialects) {
    if (dialect.name !== format.name) exchanges[dialect.name] = translate(dialect, format);
  }
  return exchanges;
}
