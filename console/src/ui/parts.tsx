import type { ReactNode } from "react";
import { useFormats, useWords } from "../app-context.tsx";
import { Icon, type IconName } from "./icon.tsx";

/** Head of a screen: what it is, and what can be done here. */
export function PageHead({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {lead === undefined ? null : <p className="lead">{lead}</p>}
      </div>
      {children === undefined ? null : <div className="actions">{children}</div>}
    </header>
  );
}

/** A panel with a heading. */
export function Card({
  title,
  aside,
  children,
  flush = false,
}: {
  title?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  /** True: what is in it reaches its edges, as tables do. */
  flush?: boolean;
}) {
  return (
    <section className={flush ? "card flush" : "card"}>
      {title === undefined ? null : (
        <header className="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

/** Tones that say how something is. */
export type Tone = "good" | "bad" | "warn" | "info" | "calm";

/** A short word on how something is. */
export function Badge({ tone = "calm", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

/** An amount of money; exact on its title. */
export function Usd({ amount }: { amount: string }) {
  const formats = useFormats();
  return (
    <span className="number" title={`$${amount}`}>
      {formats.usd(amount)}
    </span>
  );
}

/** A name and what it is. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

/** One of the facts. */
export function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A figure that stands out. */
export function Figure({
  name,
  value,
  note,
  tone,
}: {
  name: ReactNode;
  value: ReactNode;
  note?: ReactNode;
  tone?: Tone;
}) {
  return (
    <div className={`figure ${tone ?? ""}`}>
      <span className="figure-name">{name}</span>
      <span className="figure-value">{value}</span>
      {note === undefined ? null : <span className="figure-note">{note}</span>}
    </div>
  );
}

/** How much of something there is: by default of a limit, of which much is bad. @param share 0 to 1. */
export function Meter({ share, label, tone: given }: { share: number; label: string; tone?: Tone }) {
  const formats = useFormats();
  const within = Math.min(1, Math.max(0, share));
  const tone = given ?? (within >= 0.9 ? "bad" : within >= 0.75 ? "warn" : "good");
  return (
    <meter
      className={`meter ${tone}`}
      aria-label={label}
      title={formats.percent(within)}
      min={0}
      max={1}
      value={within}
    >
      {formats.percent(within)}
    </meter>
  );
}

/** What stands where there is nothing yet. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <p className="empty-title">{title}</p>
      {children === undefined ? null : <div className="empty-text">{children}</div>}
    </div>
  );
}

/** What stands where something is on its way. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  const { common } = useWords();
  return (
    <div className="skeleton" role="status" aria-label={common.loading}>
      {Array.from({ length: lines }, (_, index) => (
        // Lines are alike and never change their places.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <span className="skeleton-line" key={index} style={{ inlineSize: `${92 - ((index * 23) % 45)}%` }} />
      ))}
    </div>
  );
}
