import { useState } from "react";
import { Link } from "wouter";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { Field } from "../../ui/form.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";

const pageLength = 100;

/** Who changed what through the administration, from where, and what became of it. */
export function Trail() {
  const { client } = useSignedIn();
  const { trail: words } = useWords();
  const [procedure, setProcedure] = useState("");
  const [target, setTarget] = useState("");
  const pages = usePages(["trail", procedure, target], async (before) => {
    const { events, has_more } = await client.trail.list.query({
      ...(before && { before_event_id: before }),
      ...{ procedure: procedure.trim(), target: target.trim(), limit: pageLength },
    });
    return { rows: events, next: has_more ? events.at(-1)?.event_id : undefined };
  });
  return (
    <>
      <PageHead title={words.title} lead={words.lead} />
      <Card flush>
        <div className="filters">
          <Field
            label={words.procedure}
            placeholder="keys.create"
            value={procedure}
            onChange={({ target: field }) => setProcedure(field.value)}
          />
          <Field label={words.target} value={target} onChange={({ target: field }) => setTarget(field.value)} />
        </div>
        <Paged pages={pages} none={words.none}>
          {(rows) => (
            <table className="table wide">
              <thead>
                <tr>
                  <th className="number">{words.number}</th>
                  <th>{words.time}</th>
                  <th>{words.procedure}</th>
                  <th>{words.who}</th>
                  <th>{words.target}</th>
                  <th>{words.what}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((event) => (
                  <tr key={event.event_id}>
                    <td className="number">{event.event_id}</td>
                    <td>
                      <Time at={event.time} as="absolute" />
                    </td>
                    <td>
                      <Link href={`/requests/${event.request_id}`} title={event.request_id}>
                        <code>{event.procedure}</code>
                      </Link>
                    </td>
                    <td>
                      <code>{event.actor}</code>
                      <br />
                      <span className="quiet">{event.address}</span>
                    </td>
                    <td>{event.target === null ? null : <code>{event.target}</code>}</td>
                    <td>
                      <What of={event} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
    </>
  );
}

/** Outcomes of what went well; any other is the code of an error. */
const went: ReadonlySet<string> = new Set(["done", "read"]);

function What({ of: { outcome, values } }: { of: { outcome: string | null; values?: unknown } }) {
  const { trail: words } = useWords();
  if (outcome !== null) return <Badge tone={went.has(outcome) ? "good" : "bad"}>{outcome}</Badge>;
  if (values === null || values === undefined) return <span className="quiet">{words.asked}</span>;
  return (
    <details>
      <summary>{words.asked}</summary>
      <pre className="code">{JSON.stringify(values, undefined, 2)}</pre>
    </details>
  );
}
