import type { IncomingHttpHeaders } from "node:http";

/*
 * Google's paths end in what a model shall do (`/v1beta/models/{model}:generateContent`), and names of models have slashes and
 * colons: no router reads them. Its clients may also send their key in the address, where it would go wherever an address
 * goes. Both are put in order before anything else sees the request.
 */

/** Beginnings of paths that are Google's. */
const starts = ["/v1beta/", "/v1alpha/", "/v1/models"];
const verbPath = /^\/v1(?:beta|alpha)?\/models\/(.+):([a-zA-Z]{1,40})$/;
const otherVersion = /^\/v1(?:alpha)?\//;

/** Path under which a route does something that `/v1beta/models/{model}:{verb}` asks for; its `*` is the model. */
export function verbRoute(verb: string): string {
  return `/v1beta/models/${verb}/*`;
}

/**
 * The address by which a request is routed. A key in it becomes the header that bears keys, unless there is one.
 *
 * @param method Only POST asks a model to do something: the model that a GET names may end as a verb does (`llama3:latest`).
 * @param headers those of the request; the key is added.
 */
export function routedUrl(method: string, url: string, headers: IncomingHttpHeaders): string {
  if (!starts.some((start) => url.startsWith(start))) return url;
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : withoutKey(url.slice(mark + 1), headers);
  const [, model, verb] = (method === "POST" ? verbPath.exec(path) : null) ?? [];
  let routed = path;
  if (model !== undefined && verb !== undefined) routed = verbRoute(verb).replace("*", () => model);
  // The list of models is at the same path as OpenAI's: whose shape is meant is told by the key's header.
  else if (!path.startsWith("/v1/") || headers["x-goog-api-key"] !== undefined) {
    routed = path.replace(otherVersion, "/v1beta/");
  }
  return query === "" ? routed : `${routed}?${query}`;
}

function withoutKey(query: string, headers: IncomingHttpHeaders): string {
  const kept = query.split("&").filter((field) => {
    const [name = "", value = ""] = field.split("=", 2);
    if (textOf(name) !== "key") return true;
    if (value !== "") headers["x-goog-api-key"] ??= textOf(value);
    return false;
  });
  return kept.join("&");
}

function textOf(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return encoded;
  }
}
