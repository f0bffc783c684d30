import { z } from "zod";

/**
 * Paths of endpoints, which adapters add by themselves: with one of them at the end of a base URL it would be asked for
 * twice, and every request be answered with 404. `/models` alone is no such path: some platforms serve below it.
 */
const endpointPaths: readonly RegExp[] = [
  /\/(?:chat\/)?completions$/,
  /\/(?:responses|embeddings?|rerank|moderations|videos|batches)$/,
  /\/messages(?:\/count_tokens)?$/,
  /\/images\/(?:generations|edits|variations)$/,
  /\/audio\/(?:speech|transcriptions|translations)$/,
  /\/v\d\w*\/models(?:\/[^/]+)?$/,
  /\/models\/[^/]+:\w+$/,
  /\/api\/(?:chat|generate|embed|embeddings|tags)$/,
];

/** What is wrong with a base URL, in words that follow its name; undefined: nothing. Never repeats a user or password. */
function fault(text: string): string | undefined {
  const url = /^https?:\/\/[^/]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (/[${}]/.test(text)) return "has a placeholder left in it: the value is taken as it is written";
  if (/\s/.test(text)) return "must not have spaces";
  if (url === undefined) return "must be an http or https URL";
  if (url.username !== "" || url.password !== "" || /^https?:\/\/[^/]*@/i.test(text))
    return "must not hold a user or password";
  if (/[?#]/.test(text)) return "must not have a query or fragment";
  const path = url.pathname.replace(/\/+$/, "");
  const endpoint = endpointPaths
    .map((pattern) => pattern.exec(path.toLowerCase())?.[0])
    .find((end) => end !== undefined);
  if (endpoint === undefined) return undefined;
  return `must end before the endpoint's path: leave out "${path.slice(-endpoint.length)}"`;
}

/** Address of an upstream up to where the paths of its endpoints begin, without slashes at its end. */
export const baseUrlSchema = z.string().transform((text, context) => {
  const message = fault(text);
  if (message === undefined) return text.replace(/\/+$/, "");
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});
