import { isThroughlineError } from "@throughline/client";
import { Link } from "wouter";
import { useIsAway, useWords } from "../app-context.tsx";
import { Id } from "./copy.tsx";
import { Icon } from "./icon.tsx";

/** What failed, what it means, what to do about it, and its ID. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { trouble, errors, common } = useWords();
  const isAway = useIsAway();
  if (isThroughlineError(error)) {
    if (error.code === "permission_denied") return <Forbidden message={error.message} />;
    const [meaning, action] = errors[error.code];
    return (
      <div className="failure" role="alert">
        <Icon name="alert" size={20} />
        <div>
          <p className="failure-title">
            {meaning} <code>{error.code}</code>
          </p>
          <p>{error.message}</p>
          <p>{action}</p>
          <p className="failure-id">
            {common.requestId} <Id id={error.requestId} />
          </p>
          {retry === undefined ? null : (
            <button type="button" className="button" onClick={retry}>
              {common.tryAgain}
            </button>
          )}
        </div>
      </div>
    );
  }
  return (
    <div className="failure" role="alert">
      <Icon name="alert" size={20} />
      <div>
        <p className="failure-title">{isAway ? trouble.awayTitle : trouble.failedTitle}</p>
        <p>{isAway ? trouble.awayText : error instanceof Error ? error.message : String(error)}</p>
      </div>
    </div>
  );
}

/** The plain page for a key that may not see something. */
export function Forbidden({ message }: { message?: string }) {
  const { trouble } = useWords();
  return (
    <div className="plain">
      <h1>{trouble.forbiddenTitle}</h1>
      {message === undefined ? null : <p>{message}</p>}
      <p>{trouble.forbiddenText}</p>
      <Link className="button" href="/">
        {trouble.toStart}
      </Link>
    </div>
  );
}

/** The plain page where no page is. */
export function Missing() {
  const { trouble } = useWords();
  return (
    <div className="plain">
      <h1>{trouble.missingTitle}</h1>
      <p>{trouble.missingText}</p>
      <Link className="button" href="/">
        {trouble.toStart}
      </Link>
    </div>
  );
}
