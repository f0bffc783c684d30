/** A JSON object of which nothing is known. */
export type Item = { readonly [name: string]: unknown };

/** What is kept of a request's input (see Record.input of history's contract). */
export interface KeptInput {
  /** Items in the client's order; null: they were too large to be kept. */
  readonly items: readonly Item[] | null;
  /** The request that this one went on from, decimal; absent: none. */
  readonly continues?: string;
}

/** Items of answers have IDs that we made; those of inputs have them in lists. */
const itemId = /^([a-z]+)_([1-9]\d{0,18})_(\d{1,6})$/;
/** What the IDs of inputs begin with. */
const inputPrefix = "in";
const ownReasoning = /^rs_\d+_\d+$/;

/** Whether an ID is that of an item of thinking. */
export function isThinking(id: string): boolean {
  return id.startsWith("rs_");
}

/** The request of which an item's ID is; undefined: the ID is none of ours. */
export function requestOfItem(id: string): bigint | undefined {
  const request = itemId.exec(id)?.[2];
  return request === undefined ? undefined : BigInt(request);
}

/** An input as items: a text is what the user says. */
export function itemsOf(input: unknown): readonly Item[] {
  if (typeof input === "string") {
    return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
  }
  return Array.isArray(input) ? input.filter((item) => typeof item === "object" && item !== null) : [];
}

/** The items of an input as they are listed: each says its type, that it is complete, and an ID that finds it again. */
export function listedItems(requestId: bigint, items: readonly Item[]): Item[] {
  return items.map((item, index) => {
    const type = typeof item.type === "string" ? item.type : "message";
    const id = typeof item.id === "string" ? item.id : `${inputPrefix}_${requestId}_${index}`;
    if (type !== "message") return { status: "completed", ...item, id, type };
    const said = item.role === "assistant" ? { type: "output_text", annotations: [] } : { type: "input_text" };
    const content = typeof item.content === "string" ? [{ ...said, text: item.content }] : item.content;
    return { status: "completed", ...item, id, type, content };
  });
}

/** Items by the IDs that they bear; of two with one ID the earlier. */
export function itemsById(items: readonly Item[]): ReadonlyMap<unknown, Item> {
  const byId = new Map<unknown, Item>();
  for (const item of items) if (typeof item.id === "string" && !byId.has(item.id)) byId.set(item.id, item);
  return byId;
}

/**
 * The item of an ID, among the items of a request's answer and its input; undefined: there is none.
 *
 * @param byId those that bear an ID.
 * @param items those of the input, which are also found by their place.
 */
export function findItem(
  id: string,
  byId: ReadonlyMap<unknown, Item>,
  items: readonly Item[] | null,
): Item | undefined {
  const [, prefix, , index] = itemId.exec(id) ?? [];
  return byId.get(id) ?? (prefix === inputPrefix ? items?.[Number(index)] : undefined);
}

/** Items that a client may send by themselves, without the ID of the answer that they are from. */
const ownItems: ReadonlySet<unknown> = new Set([
  ...["message", "function_call", "custom_tool_call", "function_call_output", "custom_tool_call_output"],
]);

/**
 * An item of an answer, or of an earlier input, as an item of the next input; undefined: it cannot be sent again. An image
 * that was made is kept as its digest only, and thinking that an upstream neither showed nor encrypted is known to it alone.
 */
export function asInput(item: Item): Item | undefined {
  const type = item.type ?? "message";
  if (type === "image_generation_call") return undefined;
  if (type === "reasoning") {
    const isTold = typeof item.encrypted_content === "string" && item.encrypted_content !== "";
    const isOurs = typeof item.id === "string" && ownReasoning.test(item.id);
    return isTold || isOurs ? item : undefined;
  }
  if (!ownItems.has(type)) return item;
  const { id: _id, status: _status, ...rest } = item;
  return rest;
}

/** One page of a list of items. */
export interface ItemPage {
  readonly object: "list";
  readonly data: readonly Item[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** A page of listed items behind the item `after`; undefined: there is no such item. */
export function pageOf(
  items: readonly Item[],
  { after, limit, order }: { after: string | undefined; limit: number; order: "asc" | "desc" },
): ItemPage | undefined {
  const ordered = order === "asc" ? items : items.toReversed();
  const at = after === undefined ? -1 : ordered.findIndex(({ id }) => id === after);
  if (after !== undefined && at < 0) return undefined;
  const data = ordered.slice(at + 1, at + 1 + limit);
  const idOf = (item: Item | undefined) => (typeof item?.id === "string" ? item.id : null);
  return {
    object: "list",
    data,
    first_id: idOf(data[0]),
    last_id: idOf(data.at(-1)),
    has_more: at + 1 + limit < ordered.length,
  };
}
