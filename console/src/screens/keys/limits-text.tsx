import { useFormats, useWords } from "../../app-context.tsx";
import type { Me } from "../../session/rights.ts";

/** The limits of a key or an account in one line. */
export function LimitsText({ limits }: { limits: Me["key"]["limits"] }) {
  const { keys: words, common } = useWords();
  const formats = useFormats();
  const count = (value: number | null, text: (shown: string) => string) =>
    value === null ? [] : [text(formats.integer(value))];
  const money = (value: string | null, text: (shown: string) => string) =>
    value === null ? [] : [text(formats.usd(value))];
  const all = [
    ...count(limits.requests_per_minute, words.perMinute),
    ...count(limits.tokens_per_minute, words.tokensPerMinute),
    ...count(limits.concurrent_requests, words.atOnce),
    ...count(limits.concurrent_jobs, words.jobsAtOnce),
    ...money(limits.daily_budget_usd, words.aDay),
    ...money(limits.monthly_budget_usd, words.aMonth),
  ];
  return <span className={all.length === 0 ? "quiet" : ""}>{all.join(", ") || common.noLimit}</span>;
}
