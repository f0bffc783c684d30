import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { parseRequestId } from "../../../../shared/request-id.ts";
import type { GatewayContext } from "../../../context.ts";
import { asInput, findItem, type Item, isThinking, itemsOf, requestOfItem } from "../../../domain/response-items.ts";
import { requestOf } from "../message-id.ts";
import type { ResponsesBody } from "../schemas/responses.ts";
import { type Asking, findStored, type StoredResponse } from "./find.ts";

/** A body whose references have been followed. */
export interface ExpandedBody {
  readonly body: ResponsesBody;
  readonly bytes: Uint8Array;
  /** The request whose conversation it goes on with; absent: none. */
  readonly continues: bigint | undefined;
}

/** Most responses that one request may lead to: by going on from each other, or by references. */
const maxResponses = 256;

/** Why something that is referred to is not there: in the same words whether nobody has it, or somebody else. */
const notKept =
  "A response is kept for the key that asked for it, where its request did not say store: false and its account keeps answers. Send the items themselves, or set store: false in your SDK so that it does.";

/**
 * The body with what it refers to put into its input: the conversation of `previous_response_id`, and the items of our
 * answers that it names (`item_reference`). Undefined: it refers to nothing of ours. What is read for it counts as its body.
 * Throws invalid_value with the field that leads nowhere.
 */
export async function expandBody(
  context: GatewayContext,
  asking: Asking,
  body: ResponsesBody,
): Promise<ExpandedBody | undefined> {
  const { previous_response_id: previous, ...rest } = body;
  const own = itemsOf(body.input);
  if (typeof previous !== "string" && !own.some(isOwnReference)) return undefined;
  const reading = createReading(context, asking);
  const input: Item[] = [];
  let continues: bigint | undefined;
  if (typeof previous === "string") {
    continues = requestOf(previous);
    for (const stored of await conversationOf(reading, continues, previous)) {
      for (const item of await withItems(reading, stored.input.items ?? [], previousField)) input.push(item);
      for (const item of stored.output) pushInput(reading, input, item);
    }
  }
  for (const item of await withItems(reading, own, "input")) input.push(item);
  const expanded = { ...rest, input } as ResponsesBody;
  const bytes = Buffer.from(JSON.stringify(expanded));
  return { body: expanded, bytes, continues };
}

const previousField = "previous_response_id";

interface Reading {
  /** The response of a request; undefined: there is none that is kept. */
  read(requestId: bigint | undefined): Promise<StoredResponse | undefined>;
  /** Counts an item that the input grows by, as often as it is there. Throws where that makes the body too large. */
  count(item: Item): void;
}

function createReading(context: GatewayContext, asking: Asking): Reading {
  const known = new Map<bigint, StoredResponse | undefined>();
  const { incoming } = asking;
  const { bodyLimitBytes } = context.config;
  /** Sizes of items by identity: a short reference may stand there a thousand times. */
  const sizes = new WeakMap<Item, number>();
  let readBytes = 0;
  let addedBytes = 0;

  function checkSize(bytes: number): void {
    if (bytes <= bodyLimitBytes) return;
    throw new ThroughlineError(
      "request_too_large",
      `The conversation that the request goes on with is more than ${bodyLimitBytes} bytes.`,
    );
  }

  return {
    count(item) {
      const size = sizes.get(item) ?? Buffer.byteLength(JSON.stringify(item)) + 1;
      sizes.set(item, size);
      addedBytes += size;
      checkSize(addedBytes);
    },
    async read(requestId) {
      if (requestId === undefined) return undefined;
      if (known.has(requestId)) return known.get(requestId);
      if (known.size >= maxResponses) {
        throw new ThroughlineError("invalid_value", `The request leads to more than ${maxResponses} responses.`, {
          param: previousField,
        });
      }
      const stored = await findStored(context, asking, requestId);
      known.set(requestId, stored);
      const bytes = stored?.bytes ?? 0;
      readBytes += bytes;
      checkSize(readBytes);
      context.bodies.take(bytes);
      incoming.bodyBytes += bytes;
      return stored;
    },
  };
}

/** The responses of a conversation, the oldest first. */
async function conversationOf(
  reading: Reading,
  last: bigint | undefined,
  previous: string,
): Promise<readonly StoredResponse[]> {
  const found: StoredResponse[] = [];
  let next: bigint | undefined = last;
  do {
    const stored = await reading.read(next);
    if (stored === undefined) throw leadsNowhere(previousField, `'${previous}' leads to a response that is not there`);
    if (stored.isCut || stored.input.items === null) {
      throw leadsNowhere(previousField, `'${previous}' leads to a response that is too large to go on from`);
    }
    found.push(stored);
    const { continues } = stored.input;
    next = continues === undefined ? undefined : parseRequestId(continues);
    // It goes on from an older request; anything else would never end.
    if (next !== undefined && next >= stored.requestId) next = undefined;
  } while (next !== undefined);
  return found.reverse();
}

/** Items with those in place of references that these name. */
async function withItems(reading: Reading, items: readonly Item[], at: string): Promise<readonly Item[]> {
  const all: Item[] = [];
  for (const [index, item] of items.entries()) {
    if (!isOwnReference(item)) {
      if (at !== "input") reading.count(item);
      all.push(item);
      continue;
    }
    const id = String(item.id);
    const stored = await reading.read(requestOfItem(id));
    const named = stored === undefined ? undefined : findItem(id, stored.byId, stored.input.items);
    if (named === undefined && isThinking(id)) {
      // An answer can do without it; the dialect leaves it out, and notes that.
      all.push(item);
      continue;
    }
    if (named === undefined || named.type === "item_reference") {
      throw leadsNowhere(at === "input" ? `input[${index}].id` : at, `'${id}' names an item that is not there`);
    }
    pushInput(reading, all, named);
  }
  return all;
}

function pushInput(reading: Reading, input: Item[], item: Item): void {
  const sent = asInput(item);
  if (sent === undefined) return;
  reading.count(item);
  input.push(sent);
}

/** Whether an item refers to one of ours; those of others are for the upstream that made them. */
function isOwnReference(item: Item): boolean {
  return item.type === "item_reference" && typeof item.id === "string" && requestOfItem(item.id) !== undefined;
}

function leadsNowhere(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param}: ${what}. ${notKept}`, { param });
}
