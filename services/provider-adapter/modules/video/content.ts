import { ThroughlineError } from "../../../../shared/errors/error.ts";
import {
  type Asked,
  type AskedStep,
  type Exchange,
  type UpstreamMessage,
  wholeExchange,
} from "../../domain/exchange.ts";
import { readLocator } from "../../domain/job-locator.ts";
import type { JobPlace, Told, VideoFormat } from "./format.ts";
import { askAfter, objectIn, placeOf } from "./poll.ts";
import { meaningOf } from "./report.ts";
import { createResultBytes } from "./result-bytes.ts";

const noBytes = new Uint8Array();
/** Most redirects on the way to a result. */
const maxHops = 3;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** How a store says that an address has run out, or that there is nothing at it. */
const goneStatuses: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/** Fetches a result of a job: from the vendor's API, or from the address that it last named, or from one that it is asked for. */
export function contentExchange(asked: Asked, step: AskedStep, format: VideoFormat): Exchange {
  const { variant } = step;
  const job = placeOf(asked, step);
  if (format.content !== undefined) return resultExchange(asked, format.content(job, variant), maxHops);
  const known = readLocator(step.locator).urls[variant];
  const find = () => findResult(asked, step, format, job);
  return known === undefined ? find() : resultExchange(asked, messageTo(known), maxHops, find);
}

/** Asks the vendor where the result is. */
function findResult(asked: Asked, { variant }: AskedStep, format: VideoFormat, job: JobPlace): Exchange {
  return askAfter(format, job, {
    leadOn(told) {
      if (meaningOf(format, told.word) !== "succeeded") {
        throw new ThroughlineError("not_found", "The upstream has no result of this job.");
      }
      const url = told.urls?.[variant];
      if (url !== undefined) return resultExchange(asked, messageTo(url), maxHops);
      return addressExchange(asked, format, told, job, variant);
    },
    answer() {
      throw gone();
    },
  });
}

function addressExchange(asked: Asked, format: VideoFormat, told: Told, job: JobPlace, variant: string): Exchange {
  const message = variant === "video" ? format.address?.(told, job) : undefined;
  if (message === undefined) {
    throw new ThroughlineError("not_found", `The upstream has no ${variant} of this job.`, { param: "variant" });
  }
  return wholeExchange({
    message,
    notes: [],
    refusal(body) {
      const top = objectIn(body);
      return top === undefined ? undefined : format.refusal(top);
    },
    next({ body }) {
      const top = objectIn(body);
      const url = top === undefined ? undefined : format.addressed?.(top);
      return url === undefined ? undefined : resultExchange(asked, messageTo(url), maxHops);
    },
    whole() {
      throw gone();
    },
  });
}

/** Passes a result on as it comes. `find`: where the address has run out it is asked for anew. */
function resultExchange(asked: Asked, message: UpstreamMessage, hops: number, find?: () => Exchange): Exchange {
  const { range } = asked.headers;
  const accepts = (status: number) =>
    status === 200 || status === 206 || status === 416 || redirects.has(status) || isGone(message, status);
  return {
    message: { ...message, accept: "*/*", headers: { ...message.headers, ...(range === undefined ? {} : { range }) } },
    notes: [],
    accepts,
    next({ status, headers }) {
      if (status === 416) throw noSuchRange(headers["content-range"]);
      if (redirects.has(status))
        return resultExchange(asked, redirected(message, headers.location, hops), hops - 1, find);
      return isGone(message, status) ? find?.() : undefined;
    },
    whole(_body, _moments, _fetched, status = 200) {
      if (isGone(message, status)) throw gone();
      throw new ThroughlineError("upstream_error", "The upstream's answer is not the result of the job.");
    },
    stream() {
      throw new ThroughlineError("internal_error", "This kind of work has no stream.");
    },
    bytes: (head) => createResultBytes(head, asked),
  };
}

/** At an address each refusal says that it has run out; of a path of the channel those of a credential are ours. */
function isGone({ url }: UpstreamMessage, status: number): boolean {
  return goneStatuses.has(status) && (url !== undefined || status === 404 || status === 410);
}

function redirected({ url }: UpstreamMessage, location: string | string[] | undefined, hops: number): UpstreamMessage {
  if (hops === 0) throw new ThroughlineError("upstream_error", "The upstream leads from one address to the next.");
  const to = typeof location === "string" ? location : "";
  return messageTo(url === undefined ? to : (URL.parse(to, url)?.href ?? to));
}

/** Asks for what is at an address. Throws upstream_error where it is none that can be asked. */
function messageTo(url: string): UpstreamMessage {
  const parsed = /^\/(?!\/)/.test(url) ? undefined : URL.parse(url);
  const isAddress =
    parsed === undefined ||
    (parsed !== null && ["http:", "https:"].includes(parsed.protocol) && parsed.username + parsed.password === "");
  if (!isAddress) throw new ThroughlineError("upstream_error", "The upstream names no address of the result.");
  return { method: "GET", path: "", url: parsed?.href ?? url, headers: {}, body: noBytes };
}

/** As of results that are kept here; how many bytes there are is told where the upstream tells it (RFC 9110, 15.5.17). */
function noSuchRange(contentRange: string | string[] | undefined): ThroughlineError {
  const [, length] = /^bytes \*\/(\d{1,15})$/.exec(String(contentRange ?? "")) ?? [];
  const message = length === undefined ? "The result has no such range." : `There are ${length} bytes.`;
  return new ThroughlineError("invalid_value", message, {
    param: "Range",
    httpStatus: 416,
    ...(length === undefined ? {} : { headers: { "content-range": `bytes */${length}` } }),
  });
}

function gone(): ThroughlineError {
  return new ThroughlineError("not_found", "The upstream has deleted the result of this job.");
}
