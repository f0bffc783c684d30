import type { RouterInputs } from "@throughline/client";
import { useWords } from "../../app-context.tsx";
import type { Me } from "../../session/rights.ts";
import { Field, type Given } from "../../ui/form.tsx";

type Limits = NonNullable<RouterInputs["keys"]["create"]["limits"]>;

const counts = ["requests_per_minute", "tokens_per_minute", "concurrent_requests", "concurrent_jobs"] as const;
const budgets = ["daily_budget_usd", "monthly_budget_usd"] as const;

/** A field for each limit; an empty one is no limit. */
export function LimitFields({ of: limits }: { of?: Me["key"]["limits"] }) {
  const { me: words, keys } = useWords();
  const names = {
    requests_per_minute: words.requestsPerMinute,
    tokens_per_minute: words.tokensPerMinute,
    concurrent_requests: words.concurrent,
    concurrent_jobs: words.jobs,
    daily_budget_usd: words.dailyBudget,
    monthly_budget_usd: words.monthlyBudget,
  };
  return (
    <fieldset className="form-columns">
      <legend>{keys.limitsLegend}</legend>
      {counts.map((name) => (
        <Field key={name} label={names[name]} name={name} type="number" min={0} defaultValue={limits?.[name] ?? ""} />
      ))}
      {budgets.map((name) => (
        <Field
          key={name}
          label={`${names[name]} (USD)`}
          name={name}
          inputMode="decimal"
          pattern="\d{1,9}(\.\d{1,9})?"
          defaultValue={limits?.[name] ?? ""}
        />
      ))}
    </fieldset>
  );
}

/** The limits that a form was given. */
export function limitsOf(given: Given): Limits {
  const limits: Limits = {};
  for (const name of counts) limits[name] = Number(given(name) ?? "0");
  for (const name of budgets) {
    const amount = given(name);
    if (amount !== undefined) limits[name] = amount;
  }
  return limits;
}
