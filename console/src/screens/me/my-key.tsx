import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Badge, Card, Fact, Facts, Figure, PageHead, Usd } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";
import { LastErrors } from "../channels/last-errors.tsx";
import { KeyDialog } from "../keys/key-dialog.tsx";
import { Limits } from "./limits.tsx";

const refreshMs = 5_000;

/** What the key is, may do and has left. */
export function MyKey() {
  const { trpc, rights, me: first } = useSignedIn();
  const [isRotating, setRotating] = useState(false);
  const { me: words, common, keys } = useWords();
  const formats = useFormats();
  const { data: me = first } = useQuery({ ...trpc.me.get.queryOptions(), refetchInterval: refreshMs });
  const { key, account } = me;
  const budget = (amount: string | null) => (amount === null ? common.noLimit : words.ofBudget(formats.usd(amount)));
  return (
    <>
      <PageHead title={key.name || words.title} lead={<code>{key.prefix}…</code>}>
        <button type="button" className="button" onClick={() => setRotating(true)}>
          <Icon name="rotate" size={16} />
          {keys.rotate}
        </button>
      </PageHead>
      <div className="figures">
        <Figure
          name={words.balance}
          value={<Usd amount={account.balance_usd} />}
          note={words.reserved(formats.usd(account.reserved_usd))}
        />
        <Figure
          name={words.spentToday}
          value={<Usd amount={key.standing.spent_today_usd ?? "0"} />}
          note={budget(key.limits.daily_budget_usd)}
        />
        <Figure
          name={words.spentMonth}
          value={<Usd amount={key.standing.spent_this_month_usd ?? "0"} />}
          note={budget(key.limits.monthly_budget_usd)}
        />
      </div>
      <div className="columns">
        <Card title={`${words.limits}: ${words.keyOf}`} flush>
          <Limits limits={key.limits} standing={key.standing} />
        </Card>
        <Card title={`${words.limits}: ${words.accountOf}`} flush>
          <Limits limits={account.limits} standing={account.standing} />
        </Card>
        <Card title={words.keyOf}>
          <Facts>
            <Fact name={words.kind}>{words.kinds[key.kind]}</Fact>
            <Fact name={words.scopes}>
              {key.scopes.map((scope) => (
                <Badge key={scope}>{scope === "*" ? words.everything : scope}</Badge>
              ))}
            </Fact>
            <Fact name={words.group}>{me.group || common.nothing}</Fact>
            <Fact name={words.models}>{key.allowed_models.join(", ") || words.allModels}</Fact>
            <Fact name={words.addresses}>{key.allowed_cidrs.join(", ") || words.allAddresses}</Fact>
            <Fact name={words.expires}>
              {key.expires_time === null ? words.never : <Time at={key.expires_time} as="absolute" />}
            </Fact>
            <Fact name={words.created}>
              <Time at={key.created_time} as="absolute" />
            </Fact>
          </Facts>
        </Card>
        <Card
          title={words.accountOf}
          aside={<Badge tone={account.state === "active" ? "good" : "bad"}>{words.states[account.state]}</Badge>}
        >
          <Facts>
            <Fact name={words.accountOf}>{account.name}</Fact>
            <Fact name="ID">
              <code>{account.account_id}</code>
            </Fact>
            <Fact name={words.balance}>
              <Usd amount={account.balance_usd} />
            </Fact>
            <Fact name={words.floor}>
              <Usd amount={account.credit_floor_usd} />
            </Fact>
          </Facts>
        </Card>
        {rights.readRecords ? (
          <Card title={words.lastFailures} flush>
            <LastErrors keyId={key.key_id} />
          </Card>
        ) : null}
      </div>
      {isRotating ? (
        <KeyDialog task={{ kind: "rotate", key }} onClose={() => setRotating(false)} onDone={() => undefined} />
      ) : null}
    </>
  );
}
