import { useQuery } from "@tanstack/react-query";
import type { RouterOutputs } from "@throughline/client";
import { useSignedIn, useWords } from "../app-context.tsx";
import { Choice } from "./form.tsx";

const most = 1_000;

/** An account of the list. */
type Account = RouterOutputs["accounts"]["list"]["accounts"][number];

/** The accounts that the key reaches, by ID. Only keys that administer have them. @param refreshMs how old they may get. */
export function useAccounts(refreshMs = 60_000): ReadonlyMap<string, Account> {
  const { trpc } = useSignedIn();
  const { data } = useQuery({
    ...trpc.accounts.list.queryOptions({ limit: most }),
    staleTime: refreshMs,
    ...(refreshMs < 60_000 ? { refetchInterval: refreshMs } : {}),
  });
  return new Map(data?.accounts.map((account) => [account.account_id, account]));
}

/** Names of the accounts that the key reaches, by ID. */
export function useAccountNames(): ReadonlyMap<string, string> {
  return new Map(Array.from(useAccounts(), ([id, { name }]) => [id, name]));
}

/** Whose things are shown: of one account or of all. */
export function AccountChoice({ value, onChange }: { value: string; onChange: (accountId: string) => void }) {
  const { manage, common } = useWords();
  const names = useAccountNames();
  if (names.size < 2) return null;
  return (
    <Choice
      label={manage.account}
      value={value}
      options={[["", common.all], ...names]}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}
