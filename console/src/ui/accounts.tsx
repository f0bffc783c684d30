import { useQuery } from "@tanstack/react-query";
import { useSignedIn, useWords } from "../app-context.tsx";
import { Choice } from "./form.tsx";

const most = 1_000;

/** Names of the accounts that the key reaches, by ID. Only keys that administer have them. */
export function useAccountNames(): ReadonlyMap<string, string> {
  const { trpc } = useSignedIn();
  const { data } = useQuery({ ...trpc.accounts.list.queryOptions({ limit: most }), staleTime: 60_000 });
  return new Map(data?.accounts.map(({ account_id, name }) => [account_id, name]));
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
