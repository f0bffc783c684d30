import { nanoUsd, usd } from "@throughline/client";
import { useFormats, useWords } from "../../app-context.tsx";
import { Card, Fact, Facts, Usd } from "../../ui/parts.tsx";
import type { Life } from "./phases.ts";

type Rate = Life["billing"]["rates"][number];

/** From what was held to what was charged: units, prices, and why. */
export function Money({ life }: { life: Life }) {
  const { life: words } = useWords();
  const formats = useFormats();
  const { billing, usage } = life;
  const back = nanoUsd(billing.reserved_usd) - nanoUsd(billing.billed_usd);
  const quantities = Object.entries(usage?.quantities ?? {});
  return (
    <Card title={words.money} flush>
      <div className="sums">
        <span>
          {words.reservedAmount} <Usd amount={billing.reserved_usd} />
        </span>
        <span aria-hidden="true">−</span>
        <span>
          {words.chargedAmount}{" "}
          <strong>
            <Usd amount={billing.billed_usd} />
          </strong>
        </span>
        <span aria-hidden="true">=</span>
        <span>
          {words.returnedAmount} <Usd amount={usd(back)} />
        </span>
      </div>
      {quantities.length === 0 ? (
        <p className="quiet padded">{words.nothingUsed}</p>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th>{words.unit}</th>
              <th className="number">{words.amount}</th>
              <th className="number">{words.price}</th>
            </tr>
          </thead>
          <tbody>
            {quantities.map(([unit, count]) => (
              <tr key={unit}>
                <th scope="row">
                  <code>{unit}</code>
                </th>
                <td className="number">{formats.integer(count)}</td>
                <td className="number">
                  {billing.rates
                    .filter((rate) => rate.unit === unit)
                    .map((rate) => (
                      <div key={JSON.stringify(rate.when)}>
                        {words.per(formats.usd(rate.usd), formats.compact(rate.per))}
                        <Condition rate={rate} />
                      </div>
                    ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="padded line-above">
        <Facts>
          {billing.price_source === null ? null : (
            <Fact name={words.source}>{words.sources[billing.price_source]}</Fact>
          )}
          {billing.group_ratio === null ? null : <Fact name={words.ratio}>× {billing.group_ratio}</Fact>}
          {billing.reason === null ? null : (
            <Fact name={words.why}>
              <code>{billing.reason}</code>
            </Fact>
          )}
          <Fact name={words.policy}>{words.policies[billing.policy]}</Fact>
        </Facts>
        {usage?.estimated === true && quantities.length > 0 ? <p className="quiet">{words.estimated}</p> : null}
      </div>
    </Card>
  );
}

function Condition({ rate: { when } }: { rate: Rate }) {
  const { life: words } = useWords();
  const formats = useFormats();
  if (when === null) return null;
  const traits = Object.entries(when.traits).map(([name, value]) => `${name} = ${value}`);
  const above = when.above_input_tokens === null ? [] : [words.above(formats.integer(when.above_input_tokens))];
  return (
    <span className="quiet">
      {" "}
      {words.when} {[...above, ...traits].join(", ")}
    </span>
  );
}
