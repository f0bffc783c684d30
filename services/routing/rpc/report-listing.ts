import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  ListedModel as ListedMessage,
  ReportListingRequest,
  ReportListingResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { shorten } from "../../../shared/shorten.ts";
import type { RoutingContext } from "../context.ts";
import { deferListing, storeListing } from "../db/listings.ts";
import type { ListedModel } from "../domain/types.ts";

/** Most models of a list that are kept: a list is another's word, and every one of them is a row of each snapshot. */
const maxModels = 5_000;
/** So soon a list that could not be read is asked for again, unless all are read more often. */
const retryMs = 600_000;
const maxFailureLength = 300;

/** ReportListing: what an upstream says of itself. Names that no model may have are left out. */
export function reportListing({ db, live, nowMs, log, listEveryMs }: RoutingContext) {
  return unaryHandler<ReportListingRequest, ReportListingResponse>(async ({ channel: name, models, failure }) => {
    const channel = live.current().snapshot.channels.find((one) => one.name === name);
    if (channel?.lists?.asks !== true) {
      throw new ThroughlineError("invalid_value", "The channel does not go by lists.", { param: "channel" });
    }
    if (failure !== "") {
      const why = shorten(failure, maxFailureLength);
      log.warn({ channel: name, why }, "the list of models could not be read; the last one stays");
      await deferListing(db, name, nowMs() + Math.min(retryMs, listEveryMs), why);
      return {};
    }
    const listed = usable(models);
    const { changed } = await storeListing(db, channel, listed, nowMs() + listEveryMs);
    if (!changed) return {};
    log.info({ channel: name, models: listed.length }, "the upstream's list of models has changed");
    await live.refresh();
    return {};
  });
}

/** Each name once, in order: a list that an upstream gives in another order is no other list. */
function usable(models: readonly ListedMessage[]): ListedModel[] {
  const named = new Map<string, ListedModel>();
  for (const { name, createdUnixS, endsOn } of models.slice(0, maxModels)) {
    if (!/^[\x21-\x29\x2b-\x7e]{1,200}$/.test(name)) continue;
    const day = /^\d{4}-\d{2}-\d{2}$/.test(endsOn) ? endsOn : "";
    named.set(name, { name, createdUnixS: Number(createdUnixS), endsOn: day });
  }
  return [...named.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
