import type { FastifyRequest } from "fastify";

/** An address with a port behind it, as gateways of Azure write it, or in brackets, as URLs do. */
const dressed = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}|\[([0-9a-f:.]+)\](?::\d{1,5})?)$/i;

/**
 * The caller's address: that of the connection, or, behind a proxy that is trusted, what that says. A proxy may say what is no
 * address ("unknown", RFC 7239): it is passed on as it is, and is in no range of addresses.
 */
export function callerAddress({ ip }: Pick<FastifyRequest, "ip">): string {
  const found = dressed.exec(ip);
  return found === null ? ip : (found[1] ?? found[2] ?? ip);
}
