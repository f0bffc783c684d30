import { isIP } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import ipaddr from "ipaddr.js";
import { type Key, KeyKind, type KeySchema } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { moduleNames } from "../../../shared/modules.ts";
import type { KeyFields, KeyRow } from "../db/keys.ts";
import type { KeyKind as KeyKindName } from "../domain/secret.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedText } from "../wire/values.ts";
import { checkedName, toLimitFields, toLimits } from "./account-message.ts";

const kindNames: Readonly<Record<number, KeyKindName | undefined>> = {
  [KeyKind.API]: "api",
  [KeyKind.SERVER]: "server",
  [KeyKind.USER]: "user",
  [KeyKind.CLI]: "cli",
};

/** Name of a kind. Throws invalid_value for what is none. */
export function kindName(kind: number): KeyKindName {
  const name = kindNames[kind];
  if (name === undefined) throw invalid("key.kind", "must be api, server, user or cli");
  return name;
}

const rights = ["history.read", "history.delete", "admin.read", "admin.write", "*"];
const knownScopes: ReadonlySet<string> = new Set([...moduleNames, ...rights]);
const maxListed = 1_000;

/** Scopes that there are, each once, in order. */
export function checkedScopes(scopes: readonly string[], param: string): string[] {
  const unknown = scopes.find((scope) => !knownScopes.has(scope));
  if (unknown !== undefined) {
    throw invalid(param, `has an unknown scope; known are ${[...knownScopes].join(", ")}`);
  }
  return [...new Set(scopes)].sort();
}

/** Model names, each once, in order. */
export function checkedModels(models: readonly string[], param: string): string[] {
  if (models.length > maxListed) throw invalid(param, `must have at most ${maxListed} items`);
  return [...new Set(models.map((model) => checkedName(model, param)))].sort();
}

/** Addresses and ranges in CIDR notation, each once, in order; a lone address is the range of itself. */
export function checkedCidrs(cidrs: readonly string[], param: string): string[] {
  if (cidrs.length > maxListed) throw invalid(param, `must have at most ${maxListed} items`);
  return [...new Set(cidrs.map((cidr) => checkedCidr(cidr, param)))].sort();
}

const cidrForm = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i;
/** Bits before the IPv4 address in an IPv6 one that stands for it (::ffff:10.0.0.1). */
const mappedBits = 96;

/** In the usual form only: to old programs 010.0.0.1 is 8.0.0.1 and 127.1 is 127.0.0.1, to people they are not. */
function checkedCidr(cidr: string, param: string): string {
  const [, address = "", length] = cidrForm.exec(cidr) ?? [];
  const version = isIP(address);
  const width = version === 4 ? 32 : 128;
  const bits = length === undefined ? width : Number(length);
  if (version === 0 || bits > width) {
    throw invalid(param, "must hold IP addresses or ranges such as 10.0.0.0/8 or 2001:db8::/32");
  }
  const parsed = ipaddr.parse(address);
  // Callers by IPv4 are known by that address, also where the socket is one of IPv6.
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && bits >= mappedBits) {
    return `${parsed.toIPv4Address()}/${bits - mappedBits}`;
  }
  return `${address}/${bits}`;
}

/** Latest time that JavaScript's dates and PostgreSQL's share, Unix milliseconds. */
const maxUnixMs = 8_640_000_000_000_000n;

/** When a key expires; null: never. */
export function toExpiry(unixMs: bigint, param: string): Date | null {
  if (unixMs < 0n || unixMs > maxUnixMs) throw invalid(param, "must be Unix milliseconds, or 0 for never");
  return unixMs === 0n ? null : new Date(Number(unixMs));
}

/** The columns of a new key that may be changed later. */
export function toKeyFields(key: Key): KeyFields {
  return {
    name: checkedText(key.name, "key.name", 200),
    scopes: checkedScopes(key.scopes, "key.scopes"),
    allowed_models: checkedModels(key.allowedModels, "key.allowed_models"),
    allowed_cidrs: checkedCidrs(key.allowedCidrs, "key.allowed_cidrs"),
    group_name: checkedText(key.group, "key.group", 200),
    expires_at: toExpiry(key.expiresUnixMs, "key.expires_unix_ms"),
    ...toLimitFields(key.limits, "key.limits"),
  };
}

/** The key of a row; a row holds no secret. */
export function toKey(row: KeyRow): MessageInitShape<typeof KeySchema> {
  return {
    keyId: row.key_id,
    accountId: row.account_id,
    name: row.name,
    kind: row.kind as KeyKind,
    prefix: row.prefix,
    userId: row.user_id,
    scopes: row.scopes,
    allowedModels: row.allowed_models,
    allowedCidrs: row.allowed_cidrs,
    group: row.group_name,
    limits: toLimits(row),
    expiresUnixMs: BigInt(row.expires_at?.getTime() ?? 0),
    revokedUnixMs: BigInt(row.revoked_at?.getTime() ?? 0),
    createdUnixMs: BigInt(row.created_at.getTime()),
  };
}
