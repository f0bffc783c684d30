import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import ipaddr from "ipaddr.js";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { GatewayContext } from "../context.ts";
import { platformFault } from "../domain/platform-fault.ts";
import type { Incoming } from "./incoming.ts";

/** Longest secret that is looked at; ours have about 50 characters. */
const maxSecretLength = 512;

/** Headers that may bear the secret, in the order in which they count: the platform's two, then Azure's and Google's. */
const secretHeaders = ["authorization", "x-api-key", "api-key", "x-goog-api-key"] as const;

/** A header that may bear the secret. */
export type SecretHeader = (typeof secretHeaders)[number];

/**
 * The secret of `Authorization: Bearer`, or of another header that bears one. Throws invalid_api_key when there is none.
 *
 * @param first which of them counts before the others.
 */
export function secretOf(headers: IncomingHttpHeaders, first: SecretHeader = "authorization"): string {
  let secret = secretIn(headers, first);
  for (const name of secretHeaders) secret ??= secretIn(headers, name);
  if (secret === undefined || secret.length > maxSecretLength) {
    throw new ThroughlineError(
      "invalid_api_key",
      "No usable API key was sent. Send it as 'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
    );
  }
  return secret;
}

function secretIn(headers: IncomingHttpHeaders, name: SecretHeader): string | undefined {
  if (name === "authorization") return /^Bearer +([^ ]+) *$/i.exec(headers.authorization ?? "")?.[1];
  const given = headers[name];
  return typeof given === "string" ? given.trim() || undefined : undefined;
}

/** How a key is asked for. */
export interface Asking {
  /** True: nobody checks the key again after this, so it is not taken from the cache. */
  readonly fresh: boolean;
  readonly secretFirst?: SecretHeader | undefined;
  /** The caller's address. */
  readonly ip: string;
}

/**
 * Whose key a request bears. A known key is remembered for a few seconds: paid requests are checked again with
 * authority by Reserve, other endpoints pass `fresh`, so a revocation or rotation holds on the very next request. Gives a
 * promise only where billing is asked.
 */
export function authenticate(
  context: GatewayContext,
  incoming: Incoming,
  headers: IncomingHttpHeaders,
  { fresh, secretFirst, ip }: Asking,
): Principal | Promise<Principal> {
  try {
    incoming.secretSha256 = hash("sha256", secretOf(headers, secretFirst), "binary");
    const known = fresh ? undefined : context.principals.get(incoming.secretSha256);
    if (known !== undefined && (known.expiresUnixMs === 0n || known.expiresUnixMs > BigInt(Date.now()))) return known;
    context.limits.admitSecret(incoming.secretSha256, ip);
  } catch (thrown) {
    throw noted(context, incoming, ip, thrown);
  }
  return authenticateAnew(context, incoming, ip);
}

async function authenticateAnew(context: GatewayContext, incoming: Incoming, ip: string): Promise<Principal> {
  try {
    const principal = await askBilling(context, incoming, Buffer.from(incoming.secretSha256, "latin1"));
    context.limits.good(incoming.secretSha256);
    return principal;
  } catch (thrown) {
    throw noted(context, incoming, ip, thrown);
  }
}

/** What was thrown, once it is noted who tries keys that nobody has; it throws by itself where an address may try no more. */
function noted({ limits }: GatewayContext, { secretSha256 }: Incoming, ip: string, thrown: unknown): unknown {
  if (!(thrown instanceof ThroughlineError) || thrown.entry.type !== "authentication_error") return thrown;
  // A request without a secret was not checked yet for whether its address may go on.
  if (secretSha256 === "") limits.admitSecret("", ip);
  limits.unknown(secretSha256, ip);
  return thrown;
}

async function askBilling(context: GatewayContext, incoming: Incoming, secretSha256: Buffer): Promise<Principal> {
  const principal = await context.billing.authenticate
    .call(
      { secretSha256 },
      { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: context.config.callTimeoutMs },
    )
    .catch((thrown: unknown) => {
      throw platformFault(thrown);
    });
  context.principals.set(incoming.secretSha256, principal);
  return principal;
}

/** Forgets whose key a request bears where billing refuses that key: the next one is refused before its body is read. */
export function forgetRefused(context: GatewayContext, incoming: Incoming, error: ThroughlineError): void {
  if (error.entry.type === "authentication_error") context.principals.delete(incoming.secretSha256);
}

/**
 * Refuses a key whose kind, scopes or addresses do not allow the call: permission_denied.
 *
 * @param scope e.g. "chat", "history.read"; undefined: the call needs none.
 * @param ip the caller's address.
 */
export function authorise(
  principal: Principal,
  scope: string | undefined,
  kinds: readonly KeyKind[],
  ip: string,
): void {
  if (!kinds.includes(principal.kind)) {
    throw new ThroughlineError(
      "permission_denied",
      principal.kind === KeyKind.CLI
        ? "This is an administration key; it is refused here. Use an API key."
        : "A key of this kind may not call this endpoint.",
    );
  }
  if (principal.allowedCidrs.length > 0 && !within(principal.allowedCidrs, ip)) {
    throw new ThroughlineError("permission_denied", "This key may not be used from your address.");
  }
  if (scope !== undefined && !principal.scopes.includes("*") && !principal.scopes.includes(scope)) {
    throw new ThroughlineError("permission_denied", `This key lacks the scope '${scope}'. Use a key that has it.`);
  }
}

function within(cidrs: readonly string[], ip: string): boolean {
  if (!ipaddr.isValid(ip)) return false;
  const address = ipaddr.process(ip);
  return cidrs.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr.includes("/") ? cidr : `${cidr}/${cidr.includes(":") ? 128 : 32}`);
    return network.kind() === address.kind() && address.match(network, bits);
  });
}
