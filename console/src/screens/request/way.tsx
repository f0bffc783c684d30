import { useFormats, useWords } from "../../app-context.tsx";
import { Id } from "../../ui/copy.tsx";
import { Badge, Card } from "../../ui/parts.tsx";
import type { Life } from "./phases.ts";

/** The channels that were thought of, and why. */
export function Route({ life }: { life: Life }) {
  const { life: words } = useWords();
  if (life.route.length === 0) return null;
  return (
    <Card title={words.route} aside={<span className="quiet">{words.routeNote}</span>} flush>
      <div className="scroll-x">
        <table className="table">
          <thead className="hidden">
            <tr>
              <th>{words.channel}</th>
              <th>{words.outcome}</th>
              <th>{words.reason}</th>
            </tr>
          </thead>
          <tbody>
            {life.route.map(({ channel, chosen, reason }) => (
              <tr key={channel}>
                <th scope="row">{channel}</th>
                <td>
                  <Badge tone={chosen ? "good" : "calm"}>{chosen ? words.chosen : words.leftOut}</Badge>
                </td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** Every try of an upstream, and how it ended. */
export function Attempts({ life }: { life: Life }) {
  const { life: words } = useWords();
  const formats = useFormats();
  if (life.attempts.length === 0) return null;
  return (
    <Card title={words.attempts} flush>
      <div className="scroll-x">
        <table className="table wide">
          <thead>
            <tr>
              <th>{words.channel}</th>
              <th>{words.upstreamModel}</th>
              <th className="number">{words.started}</th>
              <th className="number">{words.took}</th>
              <th className="number">{words.http}</th>
              <th>{words.outcome}</th>
              <th>{words.upstreamId}</th>
            </tr>
          </thead>
          <tbody>
            {life.attempts.map((attempt) => (
              <tr key={attempt.id}>
                <th scope="row">
                  {attempt.channel}
                  <div className="quiet">{attempt.platform}</div>
                </th>
                <td>{attempt.upstream_model}</td>
                <td className="number">{formats.duration(attempt.start_ms)}</td>
                <td className="number">{formats.duration(attempt.end_ms - attempt.start_ms)}</td>
                <td className="number">{attempt.http_status ?? "–"}</td>
                <td>
                  {attempt.error === null ? (
                    <Badge tone="good">{words.answered}</Badge>
                  ) : (
                    <>
                      <Badge tone="bad">{attempt.error.code}</Badge>
                      <div className="quiet">{attempt.error.message}</div>
                    </>
                  )}
                  {attempt.resent ? <div className="quiet">{words.resent}</div> : null}
                  {attempt.fault === null ? null : (
                    <div className="quiet">
                      {attempt.fault.kind} {attempt.fault.code}
                    </div>
                  )}
                </td>
                <td>
                  {attempt.upstream_request_id === null ? (
                    "–"
                  ) : (
                    <Id id={attempt.upstream_request_id} what={words.upstreamId} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
