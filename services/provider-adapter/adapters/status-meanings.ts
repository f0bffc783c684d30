import type { FailureMeaning } from "./failures.ts";

/**
 * Meaning of a status whose body says nothing, whatever the vendor: proxies and edges of all of them answer before their API
 * does. A status that stands here is not about the request unless it says so.
 */
const meanings: Readonly<Record<number, FailureMeaning>> = {
  401: "credential",
  402: "no_credit",
  403: "credential",
  404: "unknown_model",
  405: "unknown_model",
  407: "failed",
  408: "timeout",
  409: "overloaded",
  410: "unknown_model",
  413: "too_large",
  421: "failed",
  423: "overloaded",
  // What it depends on failed: a model of Bedrock, a backend of text-embeddings-inference.
  424: "failed",
  425: "overloaded",
  426: "failed",
  428: "failed",
  429: "overloaded",
  // The fields of a head are ours.
  431: "failed",
  444: "failed",
  460: "failed",
  494: "failed",
  495: "failed",
  496: "failed",
  497: "failed",
  // Groq: the capacity of its flex tier is used up.
  498: "overloaded",
  // It thinks that the client has left; the client has not.
  499: "failed",
  503: "overloaded",
  504: "timeout",
  // Cloudflare: the vendor's own server did not answer in time.
  522: "timeout",
  524: "timeout",
  529: "overloaded",
};

/** What a status means by itself: of the others those from 400 to 499 are about the request. */
export function meaningOfStatus(status: number): FailureMeaning {
  return meanings[status] ?? (status >= 400 && status < 500 ? "refused" : "failed");
}
