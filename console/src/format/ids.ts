/*
 * What people paste when they look for something: an ID by itself, in quotes, in a header, in a line of a log or in an address.
 */

/** A request ID by itself: decimal, or stamped with its time. */
const decimal = /(?<![\w-])\d{15,19}(?![\w-])/;
const stamped = /(?<![\w-])20\d{12}[a-z]{8}(?![\w-])/;
/** IDs that say what they are: answers and their items, jobs, batches and their lines, files. */
const prefixed =
  /(?<![\w-])(?:chatcmpl|cmpl|msg|resp|rerank|modr|rs|fc|ctc|ig|video|job|file|batch|msgbatch)[-_](?=[\w-]*\d)[\w-]{4,200}/;
/** What W3C's trace context calls a trace. */
const trace = /(?<![\da-f])[\da-f]{32}(?![\da-f])/i;
const uuid = /(?<![\w-])[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?![\w-])/i;

/** By which forms an ID is found in a longer text, the surest first. */
const forms = [prefixed, stamped, trace, decimal, uuid];

/** Around an ID that stands by itself. */
const wrapping = /^[\s"'`<([{,;:：（「【、]+|[\s"'`>)\]},;.:。，；：）」】、]+$/g;
/** What an ID never has in it: a text with one of these is more than an ID. */
const separators = /[\s/:=?#&"'：，。；（）「」【】、]+/;

/**
 * The ID in what somebody pasted. What has none of the known forms may be an upstream's or the client's own, so it is taken as
 * it stands, if it is one word; undefined: there is none.
 */
export function idIn(pasted: string): string | undefined {
  const text = pasted.trim().slice(0, 20_000);
  const alone = text.replace(wrapping, "");
  if (alone === "") return undefined;
  if (!separators.test(alone)) return alone.slice(0, 512);
  for (const form of forms) {
    const [found] = form.exec(text) ?? [];
    if (found !== undefined) return found;
  }
  const last = alone.split(separators).findLast((word) => word.length >= 6);
  return last?.slice(0, 512);
}
