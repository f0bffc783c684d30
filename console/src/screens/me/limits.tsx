import { useFormats, useWords } from "../../app-context.tsx";
import type { Me } from "../../session/rights.ts";
import { Meter } from "../../ui/parts.tsx";

type Limited = Pick<Me["key"], "limits" | "standing">;

/** Each limit, what is used and left of it. */
export function Limits({ limits, standing }: Limited) {
  const { me: words, common } = useWords();
  const formats = useFormats();
  const count = (value: number) => formats.integer(value);
  const usd = (value: number) => formats.usd(value.toFixed(9));
  const rows = [
    [words.requestsPerMinute, limits.requests_per_minute, standing.requests_left_this_minute, count],
    [words.tokensPerMinute, limits.tokens_per_minute, standing.tokens_left_this_minute, count],
    [words.concurrent, limits.concurrent_requests, standing.concurrent_requests_left, count],
    [words.jobs, limits.concurrent_jobs, standing.concurrent_jobs_left, count],
    [words.dailyBudget, amount(limits.daily_budget_usd), amount(standing.daily_budget_left_usd), usd],
    [words.monthlyBudget, amount(limits.monthly_budget_usd), amount(standing.monthly_budget_left_usd), usd],
  ] as const;
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{words.limits}</th>
          <th className="number">{words.left}</th>
          <th className="number">{words.limit}</th>
          <th className="meter-column">{words.used}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, limit, left, write]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="number">{limit === null || left === null ? "–" : write(left)}</td>
            <td className="number">{limit === null ? common.noLimit : write(limit)}</td>
            <td>{limit === null || left === null ? null : <Meter share={1 - left / limit} label={name} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** An amount for a share and a rounded text; sums are never made of it. */
function amount(usd: string | null): number | null {
  return usd === null ? null : Number(usd);
}
