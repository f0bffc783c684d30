import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { rankingTokens } from "../../../../shared/estimate/rerank.ts";
import { hasRate, type Prices } from "../../../../shared/money/prices.ts";
import { type BillableUsage, noUsage, type Quantity } from "../../../../shared/money/usage.ts";
import { Unit } from "../../../../shared/units.ts";
import { type Asked, type Exchange, type UpstreamMessage, wholeExchange } from "../../domain/exchange.ts";
import { createNotes } from "../../domain/notes.ts";
import { type JsonObject, parseJson } from "../../wire/json.ts";
import { type RerankDialect, rerankDialects, writeRanking } from "./dialects.ts";
import { bestOf, errorOf, type Ranking, readRanking } from "./ranking.ts";
import { type Note, type RerankRequest, readRerankRequest } from "./request.ts";

/** A wire format of upstreams that rank. */
export interface RerankFormat {
  /** What the vendor charges by: it is estimated where an answer does not say it. */
  readonly bills: "tokens" | "searches";
  /** Throws invalid_value with the path of what the vendor cannot do. */
  write(request: RerankRequest, upstreamModel: string, note: Note): UpstreamMessage;
  /** The failure of an error object inside an answer with status 200. */
  inBandError(error: JsonObject): ThroughlineError;
}

/** A search unit is a query with up to so many documents. */
const documentsOfSearch = 100;

/** The exchanges between every client dialect of the module and an upstream's format. */
export function rerankExchanges(
  formatOf: (upstreamModel: string) => RerankFormat,
): Record<string, (asked: Asked) => Exchange> {
  return Object.fromEntries(rerankDialects.map((dialect) => [dialect.name, exchangeOf(dialect, formatOf)]));
}

function exchangeOf(dialect: RerankDialect, formatOf: (upstreamModel: string) => RerankFormat) {
  return (asked: Asked): Exchange => {
    const { note, list } = createNotes();
    const format = formatOf(asked.upstreamModel);
    const request = readRerankRequest(asked.body);
    const id = `rerank-${asked.requestId}`;
    return wholeExchange({
      message: format.write(request, asked.upstreamModel, note),
      notes: list(),
      whole(body) {
        const ranking = rankingIn(body, format);
        const results = bestOf(ranking.results, request.documents.length, request.topN);
        const { usage, tokens, searches } = measure(ranking, format, request, asked);
        const model = ranking.model || asked.upstreamModel;
        const value = writeRanking(dialect, request, results, { id, model, tokens, searches });
        return {
          body: Buffer.from(JSON.stringify(value)),
          usage,
          finishReason: "",
          messageId: id,
          responseModel: ranking.model,
          upstreamRequestId: ranking.id,
        };
      },
    });
  };
}

function rankingIn(body: Buffer, format: RerankFormat): Ranking {
  const json = parseJson(body.toString());
  const ranking = readRanking(json);
  if (ranking !== undefined) return ranking;
  const error = errorOf(json);
  if (error !== undefined) throw format.inBandError(error);
  throw new ThroughlineError("upstream_error", "The upstream's answer is no ranking.");
}

/**
 * What is charged, and what the client is told: it is told both counts. Charged is what the vendor counts in, and what has a price:
 * else a ranking would be free whose price goes by what the vendor does not count.
 */
function measure(ranking: Ranking, { bills }: RerankFormat, { query, documents }: RerankRequest, asked: Asked) {
  const { prices } = asked;
  const lacksSearches =
    ranking.searches === undefined &&
    (bills === "searches" || (prices !== undefined && hasRate(prices, Unit.SEARCHES)));
  const lacksTokens =
    ranking.tokens === undefined &&
    ((bills === "tokens" && ranking.searches === undefined) || (prices !== undefined && pricesTokens(prices)));
  const estimated = lacksSearches || lacksTokens;
  const tokens = ranking.tokens ?? (asked.estimatedInputTokens || rankingTokens(query, documents));
  const searches = ranking.searches ?? Math.ceil(documents.length / documentsOfSearch);
  const countsTokens = ranking.tokens !== undefined || lacksTokens;
  const countsSearches = ranking.searches !== undefined || lacksSearches;
  const more = [
    ...quantity(Unit.SEARCHES, countsSearches ? BigInt(searches) : 0n),
    ...quantity(Unit.VENDOR_NANO_USD, ranking.costNanoUsd ?? 0n),
  ];
  const usage: BillableUsage & { estimated: boolean } = {
    ...noUsage,
    inputTokens: BigInt(countsTokens ? tokens : 0),
    ...(more.length === 0 ? {} : { more }),
    estimated,
  };
  return { usage, tokens, searches };
}

function quantity(unit: Unit, amount: bigint): Quantity[] {
  return amount === 0n ? [] : [{ unit, amount }];
}

function pricesTokens(prices: Prices): boolean {
  return prices.inputNanoUsdPerMtok > 0n || hasRate(prices, Unit.INPUT_TOKENS);
}
