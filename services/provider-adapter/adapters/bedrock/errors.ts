import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import { beginningOf, cleanMessage } from "../../domain/clean-message.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type FailureMeaning, failureOf, inBandError } from "../failures.ts";
import { retryAfterMs } from "../retry-after.ts";
import { meaningOfStatus } from "../status-meanings.ts";

/** What the vendor's exceptions mean (docs.aws.amazon.com: Converse, "Errors"; Signature Version 4, "Troubleshooting"). */
const meanings: Readonly<Record<string, FailureMeaning>> = {
  accessdenied: "credential",
  unrecognizedclient: "credential",
  invalidsignature: "credential",
  signaturedoesnotmatch: "credential",
  incompletesignature: "credential",
  missingauthenticationtoken: "credential",
  invalidclienttokenid: "credential",
  expiredtoken: "credential",
  optinrequired: "credential",
  notauthorized: "credential",
  resourcenotfound: "unknown_model",
  unknownoperation: "unknown_model",
  throttling: "overloaded",
  toomanyrequests: "overloaded",
  servicequotaexceeded: "overloaded",
  serviceunavailable: "overloaded",
  modelnotready: "overloaded",
  modeltimeout: "timeout",
  modelerror: "failed",
  modelstreamerror: "failed",
  internalserver: "failed",
  internalfailure: "failed",
  validation: "refused",
};

/** Messages that say more than the name of their exception; the first that matches counts. */
const byMessage: readonly (readonly [RegExp, FailureMeaning])[] = [
  [
    /input is too long|prompt is too long|too many (input )?tokens|maximum context|context (length|window)|exceeds? the (maximum|model)[^.]*(tokens|context)/i,
    "too_long",
  ],
  [
    /model identifier is invalid|on-demand throughput|don.t have access to (the )?model|model access is denied|end of its life|is not supported (in|for) (this|your|the) (region|account)|legacy.*not been actively/i,
    "unknown_model",
  ],
  [/security token|signature|bearer token|api key|credential/i, "credential"],
  [/too large|payload size|exceeds? the (size )?limit of \d+ bytes/i, "too_large"],
];

const notAllowed = /^operation not allowed|^your account is not authorized/i;

/** Which meanings a message may give another: of one about our account or the service it says nothing. */
const mayMeanMore: ReadonlySet<FailureMeaning> = new Set(["refused", "credential", "unknown_model"]);

/** The vendor's HTTP failure in the catalogue's words. */
export function bedrockFailure(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  upstreamRequestId: string,
): UpstreamFailure {
  const top = asObject(parseJson(body)) ?? {};
  const named = headers["x-amzn-errortype"];
  const type = (Array.isArray(named) ? named[0] : named) ?? asString(top.__type) ?? "";
  const message = messageOf(top);
  return failureOf(meaningOf(type, message, status), {
    said: cleanMessage(message),
    upstreamRequestId,
    retryAfterMs: retryAfterMs(headers),
  });
}

/** The failure of an exception inside a stream, or of an error in the place of an answer. */
export function inBandFailure(type: string, message: string): ThroughlineError {
  return inBandError(meaningOf(type, message, 0), { said: cleanMessage(message) });
}

/** Its services spell it both ways. */
export function messageOf(error: JsonObject): string {
  return asString(error.message) ?? asString(error.Message) ?? "";
}

/** `type`: "ValidationException:http://internal...", "com.amazon.coral#ThrottlingException", "throttlingException". */
function meaningOf(type: string, message: string, status: number): FailureMeaning {
  const name = type
    .replace(/:.*$/, "")
    .replace(/^.*#/, "")
    .replace(/(Exception|Error)$/i, "")
    .toLowerCase();
  const usual = meanings[name] ?? meaningOfStatus(status);
  // An account that may not use the service is answered as a request that is not valid.
  if (usual === "refused" && notAllowed.test(message)) return "credential";
  if (!mayMeanMore.has(usual)) return usual;
  const begins = beginningOf(message);
  const more = byMessage.find(([pattern]) => pattern.test(begins))?.[1];
  // A message about the client's own input may speak of credentials.
  return more === undefined || (more === "credential" && usual === "refused") ? usual : more;
}
