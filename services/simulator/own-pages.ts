import type { ServerResponse } from "node:http";
import { pictureAt } from "./formats/pictures.ts";
import { simulatedModels } from "./models.ts";
import type { createRecorder, RecordedRequest, RequestEntry } from "./recorder.ts";
import type { createServiceAccount } from "./service-account.ts";

/** What the simulator's own pages tell of. */
export interface OwnPages {
  readonly recorder: Pick<ReturnType<typeof createRecorder>, "list" | "clear">;
  readonly account: Pick<ReturnType<typeof createServiceAccount>, "keyFile">;
  /** Requests whose answer is not complete. */
  readonly open: number;
  /** Origin of the simulator. */
  readonly url: string;
}

/** Answers a request that is for the simulator itself, not for a vendor: its pictures, its pages, or 404. */
export function answerOwn(response: ServerResponse, entry: RequestEntry, pages: OwnPages): void {
  const [path = "", query] = entry.path.split("?");
  const picture = entry.method === "GET" ? pictureAt(path) : undefined;
  if (picture !== undefined) {
    response.writeHead(200, { "content-type": "image/png", "x-throughline-simulator": "1" });
    response.end(picture);
    return;
  }
  const body = pageOf(path, new URLSearchParams(query).get("id"), entry.method, pages);
  const text = JSON.stringify(body ?? notFound);
  response.writeHead(body === undefined ? 404 : 200, {
    "content-type": "application/json",
    "x-throughline-simulator": "1",
    "x-request-id": entry.id,
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

const notFound = {
  error: { message: "Simulated: no such path.", type: "invalid_request_error", param: null, code: "not_found" },
};

/** A page of JSON; undefined: there is none of that path. @param id only requests of this ID; null: all. */
function pageOf(path: string, id: string | null, method: string, pages: OwnPages): unknown {
  const { recorder, account, open, url } = pages;
  switch (path) {
    case "/sim/requests":
      if (method === "DELETE") {
        recorder.clear();
        return { requests: [] };
      }
      return {
        open,
        requests: recorder
          .list()
          .filter((one) => [null, one.id, one.clientRequestId].includes(id))
          .map(shown),
      };
    case "/sim/service-account":
      return JSON.parse(account.keyFile(url));
    case "/sim/models":
      return { models: simulatedModels };
    case "/":
    case "/healthz":
      return { simulator: "throughline", note: "No model is behind this server; every answer is simulated." };
    default:
      return undefined;
  }
}

function shown(record: RecordedRequest): object {
  return { ...record, headers: withoutSecrets(record.headers), body: record.body.toString() };
}

const secretHeaders = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key", "x-amz-security-token"];

/** The HTTP view hides credentials; the programmatic one keeps them, because tests check that they are sent. */
function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  const result = { ...headers };
  for (const name of secretHeaders) if (result[name] !== undefined) result[name] = "[hidden]";
  return result;
}
