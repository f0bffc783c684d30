/** An event in OpenAI's form, as the text that is sent and signed. */
export function eventBody(id: string, type: string, createdUnixMs: number, data: object): string {
  return JSON.stringify({ id, object: "event", type, created_at: Math.floor(createdUnixMs / 1_000), data });
}
