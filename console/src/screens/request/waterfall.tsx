import { useFormats, useWords } from "../../app-context.tsx";
import { type Life, marksUntil, type Phase, phasesOf } from "./phases.ts";

/** Where the time went: a bar for each step, attempt and the answer. */
export function Waterfall({ life }: { life: Life }) {
  const { life: words } = useWords();
  const formats = useFormats();
  const phases = phasesOf(life);
  const totalMs = Math.max(0.001, ...phases.map(({ endMs }) => endMs));
  const at = (ms: number) => `${(ms / totalMs) * 100}%`;
  return (
    <div className="waterfall">
      <div className="waterfall-axis" aria-hidden="true">
        <span />
        <div>
          {marksUntil(totalMs).map((mark) => (
            <span key={mark} style={{ insetInlineStart: at(mark) }}>
              {formats.duration(mark)}
            </span>
          ))}
        </div>
        <span />
      </div>
      <ol>
        {phases.map((phase) => (
          <li key={`${phase.kind}${phase.name}${phase.startMs}`} className={phase.failed ? "failed" : phase.kind}>
            <span className="waterfall-name">{nameOf(phase, words.steps)}</span>
            <span
              className="waterfall-lane"
              title={`${formats.duration(phase.startMs)} → ${formats.duration(phase.endMs)}`}
            >
              <span
                className="waterfall-bar"
                style={{
                  insetInlineStart: at(phase.startMs),
                  inlineSize: `max(3px, ${at(phase.endMs - phase.startMs)})`,
                }}
              >
                <Waited phase={phase} title={words.waits} />
              </span>
            </span>
            <span className="waterfall-time">{formats.duration(phase.endMs - phase.startMs)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Waited({ phase: { startMs, endMs, waitedUntilMs }, title }: { phase: Phase; title: string }) {
  if (waitedUntilMs === undefined || endMs <= startMs) return null;
  const share = Math.min(1, (waitedUntilMs - startMs) / (endMs - startMs));
  return <span className="waterfall-wait" style={{ inlineSize: `${share * 100}%` }} title={title} />;
}

function nameOf({ kind, name }: Phase, steps: ReturnType<typeof useWords>["life"]["steps"]): string {
  if (kind === "attempt") return steps.upstream(name);
  const known = Object.hasOwn(steps, name) ? steps[name as keyof typeof steps] : undefined;
  return typeof known === "string" ? known : name;
}
