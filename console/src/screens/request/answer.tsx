import { useState } from "react";
import { useWords } from "../../app-context.tsx";
import { CopyButton } from "../../ui/copy.tsx";
import { Badge, Card } from "../../ui/parts.tsx";
import { prettyJson, textOf } from "./answer-text.ts";
import type { Life } from "./phases.ts";

/** What the client got: as text where there is some, and as JSON. */
export function Answer({ life }: { life: Life }) {
  const { life: words } = useWords();
  const text = textOf(life.response);
  const [wantsJson, setWantsJson] = useState(false);
  const asJson = wantsJson || text === undefined;
  if (life.response === "") {
    return (
      <Card title={words.answerTitle}>
        <p className="quiet">{life.payload_expired ? words.answerGone : words.noAnswer}</p>
      </Card>
    );
  }
  const shown = asJson ? prettyJson(life.response) : text;
  return (
    <Card
      title={
        <>
          {words.answerTitle} {life.response_truncated ? <Badge tone="warn">{words.truncated}</Badge> : null}
        </>
      }
      aside={
        <div className="actions">
          {text === undefined ? null : (
            <div className="segments">
              <button type="button" aria-pressed={!asJson} onClick={() => setWantsJson(false)}>
                {words.asText}
              </button>
              <button type="button" aria-pressed={asJson} onClick={() => setWantsJson(true)}>
                {words.asJson}
              </button>
            </div>
          )}
          <CopyButton text={shown} what={words.answerTitle} />
        </div>
      }
    >
      {/* A long answer scrolls by itself, also by keys. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <pre className={asJson ? "code tall" : "code tall prose"} tabIndex={0}>
        {shown}
      </pre>
      {life.custom_response === null ? null : (
        <>
          <h3 className="sub">{words.extracted}</h3>
          <pre className="code">{JSON.stringify(life.custom_response, null, 2)}</pre>
        </>
      )}
    </Card>
  );
}
