import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import { type CredentialKeys, openCredential, sealCredential, sealedWith } from "../../../shared/sealed-credential.ts";
import type { JobsDatabase } from "../db/open.ts";
import { type EndpointRow, readEndpoints, resealEndpoint } from "./db/endpoints.ts";

/** Seals and opens the secrets that events are signed with. They are sealed for their account. */
export interface Secrets {
  /** Throws invalid_value where the deployment has no key to seal with. */
  seal(accountId: bigint, secret: string): Buffer;
  /** Throws where it cannot be opened; the error holds nothing of it. */
  open(accountId: bigint, sealed: Uint8Array): string;
}

/** Creates them. @param keys CREDENTIAL_KEY; undefined: it is not set. */
export function createSecrets(keys: CredentialKeys | undefined): Secrets {
  return {
    seal(accountId, secret) {
      if (keys === undefined) {
        const message = "This deployment has no CREDENTIAL_KEY, so it keeps no secrets to sign webhooks with.";
        throw new ThroughlineError("invalid_value", message);
      }
      return sealCredential(keys, boundTo(accountId), secret);
    },
    open(accountId, sealed) {
      if (keys === undefined) throw new Error("CREDENTIAL_KEY is not set");
      return openCredential(keys, boundTo(accountId), sealed);
    },
  };
}

function boundTo(accountId: bigint): string {
  return `webhooks of account ${accountId}`;
}

const pageSize = 500;

/** After a rotation of CREDENTIAL_KEY: what an older key sealed is sealed with the current one. */
export async function resealSecrets(db: JobsDatabase, keys: CredentialKeys | undefined, log: Log): Promise<void> {
  if (keys === undefined) return;
  let [resealed, lost] = [0, 0];
  for (let after = 0n; ; ) {
    const rows = await readEndpoints(db, 0n, after, pageSize);
    for (const row of rows.filter((one) => isOlder(one, keys))) {
      const renewed = renew(row, keys);
      if (renewed === undefined) lost++;
      else {
        await resealEndpoint(db, row, renewed.secret, renewed.previous);
        resealed++;
      }
    }
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.endpoint_id;
  }
  if (resealed > 0) log.info({ resealed, key: keys.current }, "secrets of webhooks sealed with the current key");
  if (lost > 0) log.error({ lost }, "CREDENTIAL_KEY does not open the secrets of these many webhooks: rotate them");
}

function isOlder({ secret, previous_secret: previous }: EndpointRow, { current }: CredentialKeys): boolean {
  return sealedWith(secret) !== current || (previous !== null && sealedWith(previous) !== current);
}

function renew(row: EndpointRow, keys: CredentialKeys) {
  const name = boundTo(row.account_id);
  const anew = (sealed: Buffer) => sealCredential(keys, name, openCredential(keys, name, sealed));
  try {
    return { secret: anew(row.secret), previous: row.previous_secret === null ? null : anew(row.previous_secret) };
  } catch {
    return undefined;
  }
}
