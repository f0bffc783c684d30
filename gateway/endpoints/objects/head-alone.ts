import type { FastifyRequest } from "fastify";

type Asked = Pick<FastifyRequest, "method" | "headers">;

/** The client wants the head of the answer alone. Node drops what is written behind it, but it would have to be read first. */
export function wantsHead({ method }: Asked): boolean {
  return method === "HEAD";
}

/** The Range header, where it counts: GET alone has ranges (RFC 9110, section 14.2). */
export function wantedRange(request: Asked): string | undefined {
  return wantsHead(request) ? undefined : request.headers.range;
}
