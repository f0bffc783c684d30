import { useFormats, useWords } from "../../app-context.tsx";
import { Meter } from "../../ui/parts.tsx";
import type { Key } from "./tasks.ts";

/** What is left of each limit of a key, a line and a bar for each. */
export function LimitsLeft({ limits, standing }: Pick<Key, "limits" | "standing">) {
  const { keys: words, common } = useWords();
  const formats = useFormats();
  const count = (value: number) => formats.integer(value);
  const usd = (value: string) => formats.usd(value);
  const rows = [
    rowOf("rpm", limits.requests_per_minute, standing?.requests_left_this_minute, count, words.perMinute),
    rowOf("tpm", limits.tokens_per_minute, standing?.tokens_left_this_minute, count, words.tokensPerMinute),
    rowOf("concurrent", limits.concurrent_requests, standing?.concurrent_requests_left, count, words.atOnce),
    rowOf("jobs", limits.concurrent_jobs, standing?.concurrent_jobs_left, count, words.jobsAtOnce),
    rowOf("day", limits.daily_budget_usd, standing?.daily_budget_left_usd, usd, words.aDay),
    rowOf("month", limits.monthly_budget_usd, standing?.monthly_budget_left_usd, usd, words.aMonth),
  ].filter((row) => row !== undefined);
  if (rows.length === 0) return <span className="quiet">{common.noLimit}</span>;
  return (
    <ul className="left">
      {rows.map(({ name, left, limit, text, used }) => {
        const line = text(left === undefined ? limit : words.leftOf(left, limit));
        return (
          <li key={name}>
            {line}
            {used === undefined ? null : <Meter share={used} label={line} />}
          </li>
        );
      })}
    </ul>
  );
}

/** A limit in words; undefined: there is none. @param left what is left; absent: it was not asked. */
function rowOf<Value extends number | string>(
  name: string,
  limit: Value | null,
  left: Value | null | undefined,
  write: (value: Value) => string,
  text: (shown: string) => string,
) {
  if (limit === null) return undefined;
  if (left === null || left === undefined) return { name, limit: write(limit), text };
  return { name, limit: write(limit), left: write(left), used: 1 - Number(left) / Number(limit), text };
}
