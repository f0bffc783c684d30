import type { JobsContext } from "../context.ts";
import { assertAddress, receiverOf } from "./address.ts";
import { ensureCallbacks } from "./db/endpoints.ts";
import { insertCallback } from "./db/events.ts";
import { createSecret } from "./domain/signature.ts";

/**
 * Notes where the end of a request's job is told, before there is the job: then there is none whose end is not told. Nothing is
 * noted where the request names no address. Throws invalid_value for one that may not be called.
 */
export async function keepCallback(
  { db, secrets, addresses }: JobsContext,
  { requestId, accountId, url }: { readonly requestId: bigint; readonly accountId: bigint; readonly url: string },
): Promise<void> {
  if (url === "") return;
  await assertAddress(addresses, url, "callback_url");
  await ensureCallbacks(db, accountId, secrets.seal(accountId, createSecret()));
  await insertCallback(db, requestId, url, receiverOf(accountId, url));
}
