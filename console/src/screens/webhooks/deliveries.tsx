import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { RouterOutputs } from "@throughline/client";
import { useState } from "react";
import { Link } from "wouter";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { Choice } from "../../ui/form.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, type Tone } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";

type Delivery = RouterOutputs["webhooks"]["deliveries"]["deliveries"][number];

/** Under which deliveries are kept. */
export const deliveriesKey = ["deliveries"] as const;

const pageLength = 50;
const refreshMs = 5_000;
const states = ["pending", "delivered", "dead"] as const;
const tones: Readonly<Record<string, Tone>> = { pending: "info", delivered: "good", dead: "bad" };

/** What was sent to whom, how often, and what came back. */
export function Deliveries({ mayResend }: { mayResend: boolean }) {
  const { client } = useSignedIn();
  const { webhooks: words, common, keys, manage } = useWords();
  const [state, setState] = useState<(typeof states)[number]>();
  const pages = usePages<Delivery>(
    [...deliveriesKey, state],
    async (before) => {
      const { deliveries, has_more } = await client.webhooks.deliveries.query({
        limit: pageLength,
        ...(before && { before_delivery_id: before }),
        ...(state && { state }),
      });
      return { rows: deliveries, next: has_more ? deliveries.at(-1)?.delivery_id : undefined };
    },
    refreshMs,
  );
  return (
    <Card title={words.deliveries} flush>
      <div className="filters">
        <Choice
          label={keys.state}
          value={state ?? ""}
          options={[["", common.all], ...states.map((name) => [name, words.states[name]] as const)]}
          onChange={({ target }) => setState(states.find((name) => name === target.value))}
        />
      </div>
      <Paged pages={pages} none={words.noDeliveries}>
        {(rows) => (
          <table className="table wide">
            <thead>
              <tr>
                <th>{words.event}</th>
                <th>{keys.state}</th>
                <th>{words.url}</th>
                <th>{words.lastTry}</th>
                <th>{words.made}</th>
                {mayResend ? <th>{manage.actions}</th> : null}
              </tr>
            </thead>
            <tbody>
              {rows.map((delivery) => (
                <tr key={delivery.delivery_id}>
                  <th scope="row">
                    {delivery.type}
                    {delivery.request_id === null ? null : (
                      <>
                        <br />
                        <Link href={`/requests/${delivery.request_id}`}>
                          <code>{delivery.request_id}</code>
                        </Link>
                      </>
                    )}
                  </th>
                  <td>
                    <State of={delivery} />
                  </td>
                  <td>
                    <code>{delivery.url}</code>
                  </td>
                  <td>
                    <LastTry of={delivery} />
                  </td>
                  <td>
                    <Time at={delivery.created_time} />
                  </td>
                  {mayResend ? <td>{delivery.state === "pending" ? null : <Resend delivery={delivery} />}</td> : null}
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Paged>
    </Card>
  );
}

function State({ of: { state, next_try_time } }: { of: Delivery }) {
  const { webhooks: words } = useWords();
  const known = states.find((name) => name === state) ?? "pending";
  return (
    <>
      <Badge tone={tones[known] ?? "calm"}>{words.states[known]}</Badge>
      {next_try_time === null ? null : (
        <span className="quiet">
          {words.next} <Time at={next_try_time} />
        </span>
      )}
    </>
  );
}

function LastTry({ of: { last_tries, tries } }: { of: Delivery }) {
  const { webhooks: words } = useWords();
  const formats = useFormats();
  const last = last_tries.at(-1);
  if (last === undefined) return null;
  return (
    <>
      {last.http_status ?? ""} {last.error ?? ""} {formats.duration(last.duration_ms)}
      <br />
      <span className="quiet">{words.tries(formats.integer(tries))}</span>
    </>
  );
}

function Resend({ delivery }: { delivery: Delivery }) {
  const { trpc } = useSignedIn();
  const { webhooks: words } = useWords();
  const queries = useQueryClient();
  const resend = useMutation(
    trpc.webhooks.resend.mutationOptions({ onSettled: () => queries.invalidateQueries({ queryKey: deliveriesKey }) }),
  );
  return (
    <button
      type="button"
      className="button small"
      disabled={resend.isPending}
      aria-label={`${words.resend}: ${delivery.type}, ${delivery.delivery_id}`}
      onClick={() => resend.mutate({ delivery_id: delivery.delivery_id })}
    >
      {words.resend}
    </button>
  );
}
