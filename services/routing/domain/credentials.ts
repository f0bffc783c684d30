import { type CredentialKeys, openCredential, sealCredential, sealedWith } from "../../../shared/sealed-credential.ts";
import type { Channel, CredentialRef } from "./types.ts";

/** A credential entered at run time, sealed for its channel. */
export function seal(keys: CredentialKeys, channel: string, credential: string): CredentialRef {
  return { sealed: sealCredential(keys, channel, credential).toString("base64") };
}

/** Which of the channels entered at run time have a sealed credential that these keys do not open. */
export function unopened(
  keys: CredentialKeys | undefined,
  channels: readonly Channel[],
): { readonly sealed: number; readonly unopened: readonly string[] } {
  const sealed = channels.flatMap(({ name, credentials }) =>
    credentials.flatMap((credential) => ("sealed" in credential ? [{ name, text: credential.sealed }] : [])),
  );
  const closed = sealed.filter(({ name, text }) => {
    if (keys === undefined) return true;
    try {
      openCredential(keys, name, Buffer.from(text, "base64"));
      return false;
    } catch {
      return true;
    }
  });
  return { sealed: sealed.length, unopened: closed.map(({ name }) => name) };
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
