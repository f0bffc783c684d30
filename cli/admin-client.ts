import { createTRPCClient, httpLink, splitLink, type TRPCLink } from "@trpc/client";
import type { AppRouter } from "../gateway/trpc/router.ts";
import { readEnv } from "../shared/config.ts";
import { adminKeyFile, keepAdminKey, readAdminKey } from "./admin-key.ts";
import { CommandError } from "./command.ts";
import { cliEnv } from "./config.ts";

/** A typed client of the gateway's tRPC router. */
export type AdminClient = ReturnType<typeof openAdminClient>;

/**
 * A client of the gateway at THROUGHLINE_URL with THROUGHLINE_ADMIN_KEY, or with the key that `up` and `mesh` keep in
 * the data folder. Throws CommandError when there is no key.
 *
 * @param subscribing what subscriptions go over. Default: there are none, and what they need is not loaded.
 */
export function openAdminClient(subscribing?: (url: string, authorization: string) => TRPCLink<AppRouter>) {
  const { THROUGHLINE_URL, THROUGHLINE_ADMIN_KEY, THROUGHLINE_DATA } = cliEnv.read(readEnv());
  const secret = THROUGHLINE_ADMIN_KEY ?? readAdminKey(THROUGHLINE_DATA);
  if (secret === undefined) {
    throw new CommandError(
      `no administration key: set THROUGHLINE_ADMIN_KEY, or run where ${adminKeyFile(THROUGHLINE_DATA)} is`,
    );
  }
  const url = `${THROUGHLINE_URL.replace(/\/+$/, "")}/trpc`;
  const authorization = `Bearer ${secret}`;
  const calls = httpLink<AppRouter>({ url, headers: { authorization } });
  if (subscribing === undefined) return createTRPCClient<AppRouter>({ links: [calls] });
  return createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: subscribing(url, authorization),
        false: calls,
      }),
    ],
  });
}

/** Where a new secret of the key is kept, or why it could not be; nothing where the environment gave the key. */
export function keepNewSecret(secret: string): { readonly kept_in?: string; readonly not_kept?: string } {
  const { THROUGHLINE_ADMIN_KEY, THROUGHLINE_DATA } = cliEnv.read(readEnv());
  if (THROUGHLINE_ADMIN_KEY !== undefined) return {};
  try {
    keepAdminKey(THROUGHLINE_DATA, secret);
    return { kept_in: adminKeyFile(THROUGHLINE_DATA) };
  } catch (error) {
    return { not_kept: String(error) };
  }
}
