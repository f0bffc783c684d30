import type { FastifyRequest } from "fastify";

const hostForm = /^[A-Za-z0-9._:[\]-]{1,255}$/;

/** Scheme and host by which the client called; where it named no host, none: the address is then a path. */
export function originOf({ protocol, headers }: FastifyRequest): string {
  const host = headers.host ?? "";
  return hostForm.test(host) ? `${protocol}://${host}` : "";
}
