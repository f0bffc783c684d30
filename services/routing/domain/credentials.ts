import { type CredentialKeys, openCredential, sealCredential, sealedWith } from "../../../shared/sealed-credential.ts";
import type { Channel, CredentialRef } from "./types.ts";

/** A credential entered at run time, sealed for its channel. */
export function seal(keys: CredentialKeys, channel: string, credential: string): CredentialRef {
  return { sealed: sealCredential(keys, channel, credential).toString("base64") };
}

/**
 * The channel's credentials sealed with the current key, after a rotation; undefined when all of them are already, or
 * when one cannot be opened with the keys there are: then they stay as they are, and the provider says so.
 */
export function resealed(keys: CredentialKeys, channel: Channel): readonly CredentialRef[] | undefined {
  const bytesOf = (credential: CredentialRef) =>
    "sealed" in credential ? Buffer.from(credential.sealed, "base64") : undefined;
  const old = channel.credentials.some((credential) => {
    const bytes = bytesOf(credential);
    return bytes !== undefined && sealedWith(bytes) !== keys.current;
  });
  if (!old) return undefined;
  try {
    return channel.credentials.map((credential) => {
      const bytes = bytesOf(credential);
      return bytes === undefined ? credential : seal(keys, channel.name, openCredential(keys, channel.name, bytes));
    });
  } catch {
    return undefined;
  }
}
