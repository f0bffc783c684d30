import { useFormats, useWords } from "../../app-context.tsx";
import { CopyButton, Id } from "../../ui/copy.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Card, Figure, PageHead, Usd } from "../../ui/parts.tsx";
import { Status } from "../../ui/status.tsx";
import { Time } from "../../ui/time.tsx";
import { Answer } from "./answer.tsx";
import { curlOf } from "./curl.ts";
import { Details, Ids } from "./details.tsx";
import { Job } from "./job.tsx";
import { Money } from "./money.tsx";
import type { Life } from "./phases.ts";
import { Waterfall } from "./waterfall.tsx";
import { Attempts, Route } from "./way.tsx";

/** Everything that is known of one request, what matters first. */
export function LifeOfRequest({ life }: { life: Life }) {
  const { life: words } = useWords();
  return (
    <div className="stack">
      <PageHead
        title={
          <span className="life-title">
            <Status status={life.status} />
            {life.requested_model || words.modules[life.module]}
          </span>
        }
        lead={
          <>
            <Id id={life.id} /> <Time at={life.created_time} as="absolute" /> · <Time at={life.created_time} />
          </>
        }
      >
        <CopyButton text={curlOf(life, location.origin)} what="curl">
          {words.curl}
        </CopyButton>
        {life.trace.url === null ? null : (
          <a className="button" href={life.trace.url} target="_blank" rel="noreferrer">
            <Icon name="link" size={15} />
            {words.trace}
          </a>
        )}
      </PageHead>
      <Problem life={life} />
      <Figures life={life} />
      {life.timeline.length === 0 ? null : (
        <Card title={words.timeline}>
          <Waterfall life={life} />
        </Card>
      )}
      <Attempts life={life} />
      <div className="columns">
        <div className="stack">
          <Answer life={life} />
          <Route life={life} />
          <Details life={life} />
        </div>
        <div className="stack">
          <Money life={life} />
          <Ids life={life} />
          {life.job === null ? null : <Job job={life.job} />}
        </div>
      </div>
    </div>
  );
}

/** What went wrong, what it means, and what to do. */
function Problem({ life: { error, status } }: { life: Life }) {
  const { life: words, errors } = useWords();
  if (status === "processing") return <p className="note">{words.running}</p>;
  if (error === null) return null;
  const [meaning, action] = errors[error.code];
  return (
    <div className="failure">
      <Icon name="alert" size={20} />
      <div>
        <p className="failure-title">
          {meaning} <code>{error.code}</code>
        </p>
        {error.message === "" ? null : <p>{error.message}</p>}
        <p>
          <strong>{words.what.todo}:</strong> {action}
        </p>
      </div>
    </div>
  );
}

function Figures({ life }: { life: Life }) {
  const { life: words } = useWords();
  const formats = useFormats();
  const failed = life.attempts.filter(({ error }) => error !== null).length;
  const { billing } = life;
  return (
    <div className="figures">
      <Figure
        name={words.duration}
        value={formats.duration(life.duration_ms)}
        note={life.first_byte_ms === null ? undefined : words.firstByte(formats.duration(life.first_byte_ms))}
      />
      <Used life={life} />
      <Figure
        name={words.charged}
        value={<Usd amount={billing.billed_usd} />}
        note={words.held(formats.usd(billing.reserved_usd))}
      />
      <Figure
        name={words.attempts}
        value={formats.integer(life.attempts.length)}
        note={life.attempts.length === 0 ? words.noAttempt : words.attemptsNote(failed)}
      />
    </div>
  );
}

/** Tokens in and out; of what is not made of tokens what there was most of. */
function Used({ life: { usage } }: { life: Life }) {
  const { life: words } = useWords();
  const formats = useFormats();
  const [unit, count] = Object.entries(usage?.quantities ?? {}).toSorted(([, one], [, other]) => other - one)[0] ?? [];
  if (usage === null || unit === undefined || count === undefined) return <Figure name={words.used} value="–" />;
  if (usage.input_tokens + usage.output_tokens === 0) {
    return <Figure name={words.used} value={formats.integer(count)} note={unit} />;
  }
  return (
    <Figure
      name={words.tokens}
      value={`${formats.integer(usage.input_tokens)} → ${formats.integer(usage.output_tokens)}`}
      note={words.inOut}
    />
  );
}
