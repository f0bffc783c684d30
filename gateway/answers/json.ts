import type { ServerResponse } from "node:http";
import type { Head } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Answer } from "../story/ask.ts";
import { costOf } from "../view/cost.ts";
import { type ClientWatch, watchClient } from "./client-watch.ts";
import { costFieldsOf } from "./costs.ts";
import { setHead } from "./head.ts";

type Headers = Readonly<Record<string, string>>;

/** An answer of one body, JSON as a rule. It is sent at the end, so that a failure before then still has its own status. */
export function createJsonAnswer(response: ServerResponse): Answer {
  return new JsonAnswer(response);
}

/** A class: its ten functions would be made anew for each request. */
class JsonAnswer implements Answer {
  readonly #response: ServerResponse;
  readonly #watch: ClientWatch;
  readonly #parts: Uint8Array[] = [];
  #head: Head | undefined = undefined;
  #headers: Headers = {};
  #cost: Headers | undefined = undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#watch = watchClient(response);
  }

  isGone(): boolean {
    return this.#watch.gone;
  }

  hasBegun(): boolean {
    return false;
  }

  onGone(listener: () => void): void {
    this.#watch.onGone(listener);
  }

  begin(head: Head, headers: Headers): void {
    this.#head = head;
    this.#headers = headers;
  }

  write(data: Uint8Array): undefined {
    this.#parts.push(data);
  }

  letGo(): void {}

  costs(settlement: Parameters<NonNullable<Answer["costs"]>>[0]): void {
    this.#cost = costFieldsOf(costOf(settlement));
  }

  end(): void {
    const response = this.#response;
    const [first] = this.#parts;
    const body = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    const head = this.#head;
    if (head !== undefined) {
      setHead(response, head, this.#cost === undefined ? this.#headers : { ...this.#headers, ...this.#cost });
    }
    response.setHeader("content-type", head?.contentType || "application/json");
    response.setHeader("content-length", body.length);
    response.writeHead(head?.httpStatus || 200);
    response.end(body);
  }

  fail(): void {
    this.#response.destroy();
  }
}
