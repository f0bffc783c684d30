import { createHmac, timingSafeEqual } from "node:crypto";
import { ConfigError } from "../../../shared/config.ts";
import type { Database } from "../../../shared/db/index.ts";
import type { Log } from "../../../shared/log.ts";
import type { BillingConfig } from "../config.ts";
import type { BillingSchema } from "./schema.ts";

const checkedText = "throughline: the pepper that the stored keys were made with";

/**
 * Refuses a pepper that is not the one that the stored keys were made with: every key would be unknown, and each start
 * would make new ones beside those that clients have. The first start notes the pepper, by a digest that does not tell it.
 * Throws ConfigError; with `keyPepperReset` it notes the new one instead.
 */
export async function checkPepper(
  { kysely }: Database<BillingSchema>,
  { keyPepper, keyPepperReset }: Pick<BillingConfig, "keyPepper" | "keyPepperReset">,
  log: Pick<Log, "warn">,
): Promise<void> {
  const digest = createHmac("sha256", keyPepper).update(checkedText).digest();
  // Replicas may start together: the first one notes, the others compare.
  await kysely
    .insertInto("pepper_check")
    .values({ digest })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const noted = await kysely.selectFrom("pepper_check").select(["digest", "made_at"]).executeTakeFirstOrThrow();
  if (timingSafeEqual(noted.digest, digest)) return;
  if (keyPepperReset) {
    await kysely.updateTable("pepper_check").set({ digest, made_at: new Date() }).execute();
    log.warn({ since: noted.made_at }, "KEY_PEPPER has changed: no key made before is valid any more");
    return;
  }
  throw new ConfigError(
    "KEY_PEPPER",
    `KEY_PEPPER is not the one that the stored keys were made with (since ${noted.made_at.toISOString()}), so none of them would be valid: set that one again (up and mesh keep it in secrets.json of the data folder: restore the file from a backup), or, where it is lost, start once with KEY_PEPPER_RESET=true and make new keys`,
  );
}
