import { useFormats, useWords } from "../../app-context.tsx";
import { Id } from "../../ui/copy.tsx";
import { Badge, Card, Fact, Facts } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";
import type { Life } from "./phases.ts";

/** What became of the job of a request: its states, and who was told. */
export function Job({ job }: { job: NonNullable<Life["job"]> }) {
  const { life: words } = useWords();
  const formats = useFormats();
  return (
    <Card title={words.job} flush>
      <div className="padded">
        <Facts>
          <Fact name={words.job}>
            <Id id={job.id} what={words.job} />
          </Fact>
          {job.vendor_job_id === null ? null : (
            <Fact name={words.vendorJob}>
              <Id id={job.vendor_job_id} what={words.vendorJob} />
            </Fact>
          )}
          <Fact name={words.polls}>
            {formats.integer(job.polls)} <span className="quiet">{words.failedPolls(job.failed_polls)}</span>
          </Fact>
          <Fact name={words.deadline}>
            <Time at={job.deadline_time} as="absolute" />
          </Fact>
        </Facts>
      </div>
      <table className="table">
        <thead>
          <tr>
            <th>{words.event}</th>
            <th className="number">{words.at}</th>
          </tr>
        </thead>
        <tbody>
          {job.events.map(({ name, at_ms }) => (
            <tr key={`${name}${at_ms}`}>
              <th scope="row">{name}</th>
              <td className="number">{formats.duration(at_ms)}</td>
            </tr>
          ))}
          {job.deliveries.map((delivery) => (
            <tr key={delivery.delivery_id}>
              <th scope="row">
                {words.deliveries}: {delivery.type} <Badge>{delivery.state ?? ""}</Badge>
              </th>
              <td className="number">
                <Time at={delivery.created_time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
