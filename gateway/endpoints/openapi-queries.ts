/** A parameter of a query, as an OpenAPI document has it. */
export interface QueryParameter {
  readonly name: string;
  readonly description: string;
  readonly schema: object;
}

const limit = (most: number): QueryParameter => ({
  name: "limit",
  description: "How many a page has at most.",
  schema: { type: "integer", minimum: 1, maximum: most },
});
const behind = (name: string, what: string): QueryParameter => ({
  name,
  description: what,
  schema: { type: "string" },
});
const after = behind("after", "ID of the last one of the page before.");
const order: QueryParameter = {
  name: "order",
  description: "`desc`: the newest come first.",
  schema: { type: "string", enum: ["asc", "desc"] },
};
const variant: QueryParameter = {
  name: "variant",
  description: "Which of its results.",
  schema: { type: "string", enum: ["video", "thumbnail", "spritesheet"] },
};

/** What may be said behind the `?` of an address, by method and path. */
export const queriesOf: Readonly<Record<string, readonly QueryParameter[]>> = {
  "GET /v1/files": [behind("purpose", "Only files of this purpose."), after, limit(10_000), order],
  "GET /v1/batches": [after, limit(100), order],
  "GET /v1/messages/batches": [
    behind("after_id", "Batches older than this one."),
    behind("before_id", "Batches newer than this one."),
    limit(1_000),
  ],
  "GET /v1/videos": [after, limit(100), order],
  "GET /v1/videos/{id}/content": [variant],
};
