/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** Its name; "message" where it has none. */
  readonly event: string;
  readonly data: string;
  /** The last ID that the stream gave; empty: none. */
  readonly lastEventId: string;
}

/** Reads events from text as it comes, as the HTML standard says; comments and `retry` are passed over. */
export function createEventReader(onEvent: (event: ServerSentEvent) => void) {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id = "";
  let lastEventId = "";

  function field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") event = value;
    else if (name === "data") data.push(value);
    else if (name === "id" && !value.includes("\0")) id = value;
  }

  function give(): void {
    lastEventId = id;
    const given = { event: event || "message", data: data.join("\n"), lastEventId };
    const isEmpty = data.length === 0;
    event = "";
    data = [];
    if (!isEmpty) onEvent(given);
  }

  return {
    /** The next piece of the text. */
    feed(text: string): void {
      if (!/[\r\n]/.test(text)) {
        rest += text;
        return;
      }
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") give();
        else field(line);
      }
    },
    /** The last ID that was given with an event. */
    lastEventId: (): string => lastEventId,
  };
}
