import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { RouterInputs, RouterOutputs } from "@throughline/client";
import { useState } from "react";
import { Link } from "wouter";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { AccountChoice, useAccountNames } from "../../ui/accounts.tsx";
import { Choice } from "../../ui/form.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead } from "../../ui/parts.tsx";
import { Status } from "../../ui/status.tsx";
import { Time } from "../../ui/time.tsx";

type Asked = NonNullable<RouterInputs["jobs"]["list"]>;
type JobRow = RouterOutputs["jobs"]["list"]["jobs"][number];

const pageLength = 50;
const listKey = ["jobs"] as const;
const refreshMs = 5_000;
const statuses = ["pending", "queueing", "processing", "succeeded", "failed"] as const;
const kinds = ["vendor", "call"] as const;

/** Work that outlives its request: videos, asynchronous calls, the batches of vendors. */
export function Jobs() {
  const { client, rights } = useSignedIn();
  const { jobs: words, life, common, manage } = useWords();
  const [accountId, setAccountId] = useState("");
  const [status, setStatus] = useState<(typeof statuses)[number]>();
  const [kind, setKind] = useState<(typeof kinds)[number]>();
  const pages = usePages<JobRow>(
    [...listKey, accountId, status, kind],
    async (after) => {
      const asked: Asked = {
        limit: pageLength,
        ...(after && { after }),
        ...(accountId === "" ? {} : { account_id: accountId }),
        ...(status && { statuses: [status] }),
        ...(kind && { kind }),
      };
      const { jobs, next_cursor } = await client.jobs.list.query(asked);
      return { rows: jobs, next: next_cursor ?? undefined };
    },
    refreshMs,
  );
  return (
    <>
      <PageHead title={words.title} lead={words.lead} />
      <Card flush>
        <div className="filters">
          <Choice
            label={words.state}
            value={status ?? ""}
            options={[["", common.all], ...statuses.map((name) => [name, life.statuses[name]] as const)]}
            onChange={({ target }) => setStatus(statuses.find((name) => name === target.value))}
          />
          <Choice
            label={words.kind}
            value={kind ?? ""}
            options={[["", common.all], ...kinds.map((name) => [name, words.kinds[name]] as const)]}
            onChange={({ target }) => setKind(kinds.find((name) => name === target.value))}
          />
          {rights.readAdministration ? <AccountChoice value={accountId} onChange={setAccountId} /> : null}
        </div>
        <Paged pages={pages} none={words.none}>
          {(rows) => (
            <table className="table wide">
              <thead>
                <tr>
                  <th>{words.job}</th>
                  <th>{words.state}</th>
                  <th>{words.model}</th>
                  <th>{words.begun}</th>
                  <th className="number">{words.polls}</th>
                  <th>{words.trouble}</th>
                  <th>{manage.actions}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((job) => (
                  <Row key={job.id} job={job} />
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
    </>
  );
}

function Row({ job }: { job: JobRow }) {
  const { rights, me } = useSignedIn();
  const { jobs: words } = useWords();
  const formats = useFormats();
  const isOpen = job.status !== "succeeded" && job.status !== "failed";
  const mayCancel = isOpen && (rights.changeAdministration || me.key.kind !== "cli");
  return (
    <tr>
      <th scope="row">
        <Link href={`/requests/${job.id}`}>
          <code>{job.id}</code>
        </Link>
        {rights.readAdministration ? <Owner accountId={job.account_id} /> : null}
      </th>
      <td>
        <Status status={job.status} />
        {job.error === null ? null : <Badge tone="bad">{job.error.code}</Badge>}
      </td>
      <td>
        {job.model} <span className="quiet">{words.kinds[job.kind]}</span>
      </td>
      <td>
        <Time at={job.created_time} />
      </td>
      <td className="number">{formats.integer(job.polls)}</td>
      <td>
        {job.trouble === null ? null : (
          <>
            <Badge tone="warn">{job.trouble.code}</Badge>
            <Time at={job.trouble.since_time} />
          </>
        )}
      </td>
      <td>{mayCancel ? <Cancel job={job} /> : null}</td>
    </tr>
  );
}

function Owner({ accountId }: { accountId: string }) {
  const names = useAccountNames();
  return (
    <>
      <br />
      <span className="quiet">{names.get(accountId) ?? accountId}</span>
    </>
  );
}

function Cancel({ job }: { job: JobRow }) {
  const { trpc } = useSignedIn();
  const { common } = useWords();
  const queries = useQueryClient();
  const cancel = useMutation(
    trpc.jobs.cancel.mutationOptions({ onSettled: () => queries.invalidateQueries({ queryKey: listKey }) }),
  );
  return (
    <button
      type="button"
      className="button small danger"
      disabled={cancel.isPending}
      aria-label={`${common.cancel}: ${job.id}`}
      onClick={() => cancel.mutate({ id: job.id, account_id: job.account_id })}
    >
      {common.cancel}
    </button>
  );
}
