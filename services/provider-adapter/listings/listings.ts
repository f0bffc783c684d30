import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ListedModel } from "../adapters/adapter.ts";
import type { ProviderContext } from "../context.ts";
import { gather } from "../engine/gather.ts";

/** Looks at the lists of models under way. */
export interface ListingLooks {
  /** Ends them; a look under way is cut. */
  stop(): Promise<void>;
}

type Needed = Pick<ProviderContext, "channels" | "config" | "ids" | "log" | "routing" | "tokens" | "upstream">;

const callTimeoutMs = 5_000;
/** An upstream has so long for its list. */
const lookTimeoutMs = 15_000;
/** Largest list. */
const maxBodyBytes = 8 * 1024 * 1024;
/** Time to the next question where routing did not answer. */
const awayMs = 10_000;

/**
 * Reads the lists of models that routing says are due, one after another, and tells routing what came of each. No request of
 * a client waits for this, and a list that cannot be read changes nothing.
 */
export function startListingLooks(context: Needed): ListingLooks {
  const { log, routing } = context;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let failing = false;

  async function look(): Promise<void> {
    let againMs = awayMs;
    try {
      const claimed = await routing.claimListings({}, { timeoutMs: callTimeoutMs });
      againMs = claimed.againMs;
      for (const channel of claimed.channels) {
        if (stopping.signal.aborted) return;
        const said = await read(context, channel, stopping.signal);
        if (said !== undefined) await routing.reportListing({ channel, ...said }, { timeoutMs: callTimeoutMs });
      }
      failing = false;
    } catch (error) {
      // Once: routing away for an hour is one line.
      if (!failing && !stopping.signal.aborted)
        log.warn({ err: error }, "lists of models could not be told to routing");
      failing = true;
    }
    if (!stopping.signal.aborted) timer = setTimeout(tick, againMs).unref();
  }

  function tick(): void {
    looking = look();
  }
  tick();

  return {
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await looking;
    },
  };
}

/** What one channel's upstream lists, or why it lists nothing; undefined: it was not asked to its end. */
async function read(
  context: Needed,
  name: string,
  stop: AbortSignal,
): Promise<{ readonly models: Listed[] } | { readonly failure: string } | undefined> {
  try {
    const channel = await context.channels.find(name, 0n);
    const { list } = channel.adapter;
    if (list === undefined) return { failure: "the channel's format has no list of models" };
    if (!context.ids.leaseValid()) await context.ids.renewed();
    const signal = AbortSignal.any([stop, AbortSignal.timeout(lookTimeoutMs)]);
    const { message } = list;
    const { body } = await gather(context, channel, { message, requestId: context.ids.next(), signal, maxBodyBytes });
    const models = list.read(body);
    if (models === undefined) return { failure: "its answer is no list of models" };
    return { models: models.slice(0, maxModels).map(toMessage) };
  } catch (thrown) {
    if (stop.aborted) return undefined;
    return { failure: ThroughlineError.from(thrown).message };
  }
}

/** As many as routing takes. */
const maxModels = 5_000;

type Listed = ReturnType<typeof toMessage>;

function toMessage({ name, createdUnixS, endsOn }: ListedModel) {
  return { name: name.slice(0, 256), createdUnixS: BigInt(createdUnixS), endsOn: endsOn.slice(0, 10) };
}
