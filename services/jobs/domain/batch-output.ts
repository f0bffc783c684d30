import { envelope } from "../../../shared/errors/envelope.ts";
import type { ThroughlineError } from "../../../shared/errors/error.ts";

/** A line with its result, as it is written for the client. */
export interface LineResult {
  readonly requestId: bigint;
  readonly customId: string;
  /** JSON of the answer; absent: there is an error. */
  readonly answer?: Uint8Array | undefined;
  readonly error?: ThroughlineError | undefined;
}

const newLine = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;

/** JSON on one line: outside of texts, where they are escaped, line ends are blanks of the format. */
function onOneLine(json: Uint8Array): Uint8Array {
  if (!json.includes(newLine) && !json.includes(carriageReturn)) return json;
  return json.map((byte) => (byte === newLine || byte === carriageReturn ? blank : byte));
}

function joined(before: string, json: Uint8Array, after: string): Uint8Array {
  return Buffer.concat([Buffer.from(before), onOneLine(json), Buffer.from(after)]);
}

/** A line of OpenAI's output file or error file. One that was not run has no response. */
export function openaiLine({ requestId, customId, answer, error }: LineResult): Uint8Array {
  const id = requestId.toString();
  const names = `"id":"batch_req_${id}","custom_id":${JSON.stringify(customId)}`;
  if (error === undefined) {
    const before = `{${names},"response":{"status_code":200,"request_id":"${id}","body":`;
    return joined(before, answer ?? Buffer.from("null"), '},"error":null}\n');
  }
  if (error.code === "expired" || error.code === "cancelled") {
    const said = JSON.stringify({ code: `batch_${error.code}`, message: error.message });
    return Buffer.from(`{${names},"response":null,"error":${said}}\n`);
  }
  const response = { status_code: error.httpStatus, request_id: id, body: { error: envelope(error, id).error } };
  return Buffer.from(`{${names},"response":${JSON.stringify(response)},"error":null}\n`);
}

/** A line of Anthropic's results. */
export function anthropicLine({ requestId, customId, answer, error }: LineResult): Uint8Array {
  const name = `"custom_id":${JSON.stringify(customId)}`;
  if (error === undefined) {
    return joined(`{${name},"result":{"type":"succeeded","message":`, answer ?? Buffer.from("null"), "}}\n");
  }
  if (error.code === "expired" || error.code === "cancelled") {
    const type = error.code === "expired" ? "expired" : "canceled";
    return Buffer.from(`{${name},"result":{"type":"${type}"}}\n`);
  }
  const result = { type: "errored", error: envelope(error, requestId.toString()) };
  return Buffer.from(`{${name},"result":${JSON.stringify(result)}}\n`);
}
