import type { Meter } from "@opentelemetry/api";
import { scrub } from "../scrub.ts";

/** A value of an account, or of one of its budgets. */
export interface LabelledValue {
  readonly value: number;
  /** What looks like a secret in a value is hidden. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Values that are read when scraped, with what they mean. */
const observed = {
  reservations_open: "Reservations not yet settled or released.",
  reserved_nano_usd: "Nano-USD held by open reservations.",
  history_backlog: "Records accepted and not yet written.",
  edge_connections: "Connections of clients that are open.",
  edge_body_bytes: "Bytes of bodies that requests keep.",
  edge_spool_bytes: "Bytes of uploads that requests keep on disk.",
  retention_waiting:
    "Periods past their retention that stay for now, since too much would go at once or clocks differ.",
  jobs_running: "Jobs that a process of jobs works at in this moment.",
  jobs_open: "Jobs that have not ended, by state, of all processes of jobs together.",
  jobs_stranded: "Jobs whose channel was removed, so that nobody can be asked after them.",
  jobs_due_seconds: "Seconds for which the oldest step of a job that is due has waited.",
  webhooks_waiting: "Deliveries of webhooks that have not arrived and are not given up.",
  webhooks_due_seconds: "Seconds for which the oldest delivery that is due has waited.",
  channels_broken: "Channels whose breaker is open.",
  certificate_ends_unix_seconds: "Unix seconds at which the process's own certificate ends.",
  accounts_low: "Accounts whose credit would not last for another day like the last one on which they were charged.",
  budgets_low: "Budgets of accounts and keys of which nine tenths are used in this day or month.",
  account_credit_nano_usd: "Nano-USD that an account has left, what requests hold taken off.",
  account_charged_nano_usd: "Nano-USD that an account was charged this month.",
  budget_left_nano_usd: "Nano-USD left of a budget of an account (key empty) or of a key, in this day or month.",
  configuration_rejected: "1 while the configuration file is wrong and the last good one is in use, else 0.",
} as const;
export type ObservedValue = keyof typeof observed;

/** Values of a process that are read at every scrape. */
export interface Observed {
  /**
   * Reads a value at every scrape, with a label for whose it is where several share the process, or with labels. Returns what ends the
   * reading; the last value stays. A reader that throws is left out of that scrape and harms no other metric.
   */
  observe(value: ObservedValue, read: () => number, owner?: string | Readonly<Record<string, string>>): () => void;
  /** The same for values whose labels come and go. */
  observeEach(value: ObservedValue, read: () => readonly LabelledValue[]): () => void;
}

/** Creates them on a meter, each when it is first observed. */
export function createObserved(meter: Meter): Observed {
  const gauges = new Map<ObservedValue, ReturnType<Meter["createObservableGauge"]>>();
  const gauge = (value: ObservedValue) => {
    const known =
      gauges.get(value) ??
      meter.createObservableGauge(`throughline_${value}`, { description: observed[value], unit: unitOf(value) });
    gauges.set(value, known);
    return known;
  };

  return {
    observe(value, read, owner) {
      const instrument = gauge(value);
      const labels = typeof owner === "string" ? { owner } : { ...owner };
      const callback: Parameters<typeof instrument.addCallback>[0] = (result) => result.observe(read(), labels);
      instrument.addCallback(callback);
      return () => instrument.removeCallback(callback);
    },
    observeEach(value, read) {
      const instrument = gauge(value);
      const callback: Parameters<typeof instrument.addCallback>[0] = (result) => {
        for (const { value: now, labels } of read()) result.observe(now, scrubbed(labels));
      };
      instrument.addCallback(callback);
      return () => instrument.removeCallback(callback);
    },
  };
}

/** Prometheus' base unit that a name ends with; "": it is a number of something. */
function unitOf(value: ObservedValue): string {
  return /_(seconds|bytes)$/.exec(value)?.[1] ?? "";
}

function scrubbed(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, scrub(text)]));
}
