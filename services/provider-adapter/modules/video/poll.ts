import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type Asked, type AskedStep, type Exchange, type WholeAnswer, wholeExchange } from "../../domain/exchange.ts";
import { readLocator } from "../../domain/job-locator.ts";
import { asObject, type JsonObject, parseJson } from "../../wire/json.ts";
import type { JobPlace, Told, VideoFormat } from "./format.ts";

/** Who asked after a job. */
export interface Asker {
  /** The call that what the vendor told leads to; undefined: it is the answer. */
  leadOn(told: Told, job: JobPlace): Exchange | undefined;
  /** The answer, of what was told. Undefined: the vendor knows the job no longer. */
  answer(told: Told | undefined): WholeAnswer;
}

/** Where the job of a step stands. */
export function placeOf({ upstreamModel }: Asked, { vendorJobId, locator }: AskedStep): JobPlace {
  return { id: vendorJobId, place: readLocator(locator).place, model: upstreamModel };
}

/** The JSON object of a body; undefined: it is none. */
export function objectIn(body: Buffer): JsonObject | undefined {
  return asObject(parseJson(body.toString()));
}

/** Asks a vendor how far a job is. */
export function askAfter(format: VideoFormat, job: JobPlace, { leadOn, answer }: Asker): Exchange {
  const toldIn = (body: Buffer): Told | undefined => {
    const top = objectIn(body);
    return top === undefined ? undefined : format.tell(top, "poll");
  };
  return wholeExchange({
    message: format.poll(job),
    notes: [],
    accepts: (status) => status === 200 || isForgotten(status),
    refusal(body, status) {
      const top = isForgotten(status) ? undefined : objectIn(body);
      return top === undefined || format.tell(top, "poll") !== undefined ? undefined : format.refusal(top);
    },
    next({ status, body }) {
      const told = status === 200 ? toldIn(body) : undefined;
      if (told === undefined) return undefined;
      const message = format.ending?.(told, job);
      if (message === undefined) return leadOn(told, job);
      return wholeExchange({
        message,
        notes: [],
        accepts: saysHowItEnded,
        next({ status: endStatus, body: endBody }) {
          const ended = endedIn(format, endBody, endStatus);
          return ended === undefined ? undefined : leadOn(ended, job);
        },
        whole(endBody, _moments, _fetched, endStatus = 200) {
          const ended = endedIn(format, endBody, endStatus);
          if (ended === undefined) throw saysNothing();
          return answer(ended);
        },
      });
    },
    whole(body, _moments, _fetched, status = 200) {
      if (isForgotten(status)) {
        // A proxy before the vendor has no JSON for a path that it does not find.
        if (objectIn(body) === undefined) throw saysNothing();
        return answer(undefined);
      }
      const told = toldIn(body);
      if (told === undefined) throw saysNothing();
      return answer(told);
    },
  });
}

function endedIn(format: VideoFormat, body: Buffer, status: number): Told | undefined {
  const top = objectIn(body);
  return top === undefined ? undefined : format.ended?.(top, status);
}

function isForgotten(status: number): boolean {
  return status === 404 || status === 410;
}

/** Other statuses say nothing of the job: our credential, our rate, a vendor that is down. */
function saysHowItEnded(status: number): boolean {
  return status === 200 || (status >= 400 && status < 500 && ![401, 402, 403, 408, 429].includes(status));
}

function saysNothing(): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's answer says nothing of the job.");
}
