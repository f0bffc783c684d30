import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";

/** A measurement that stands for others, with the trace that it was made in. */
export interface Exemplar {
  readonly value: number;
  readonly traceId: string;
  readonly unixMs: number;
}

/** Exemplars of a data point, by the index of its bucket; of a counter the first one. */
export type Exemplars = readonly (Exemplar | undefined)[];

/** Content type of `openMetrics`. */
export const openMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Whether a scrape asks for OpenMetrics rather than for Prometheus' older text: its Accept names it. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  return accept?.includes("application/openmetrics-text") === true;
}

/**
 * Metrics as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/): the same names as in the older text,
 * and exemplars, which that has none of. opentelemetry-js's exporter writes the older text only.
 */
export function openMetrics(
  metrics: readonly MetricData[],
  exemplarsOf: (point: object) => Exemplars,
  resource: Readonly<Record<string, unknown>> = {},
): string {
  const target = `# TYPE target info\n# HELP target Target metadata\ntarget_info${labelsOf(resource)} 1\n`;
  return `${target}${metrics.map((metric) => familyOf(metric, exemplarsOf)).join("")}# EOF\n`;
}

function familyOf(metric: MetricData, exemplarsOf: (point: object) => Exemplars): string {
  const { descriptor, dataPointType } = metric;
  const name = descriptor.name.replace(/[^a-zA-Z0-9_:]/g, "_");
  const isCounter = dataPointType === DataPointType.SUM && metric.isMonotonic;
  const family = isCounter ? name.replace(/_total$/, "") : name;
  const type = dataPointType === DataPointType.HISTOGRAM ? "histogram" : isCounter ? "counter" : "gauge";
  // Only a unit that the name ends with is one; those of OpenTelemetry in braces are comments.
  const { unit } = descriptor;
  const unitLine = unit !== "" && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : "";
  const head = `# TYPE ${family} ${type}\n${unitLine}# HELP ${family} ${escaped(descriptor.description)}\n`;
  if (metric.dataPointType === DataPointType.HISTOGRAM) {
    return head + metric.dataPoints.map((point) => histogram(family, point, exemplarsOf(point))).join("");
  }
  if (metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM) return "";
  const suffix = isCounter ? "_total" : "";
  const samples = metric.dataPoints.map((point) => {
    const [exemplar] = isCounter ? exemplarsOf(point) : [];
    return `${family}${suffix}${labelsOf(point.attributes)} ${numberOf(point.value)}${exemplarText(exemplar)}\n`;
  });
  return head + samples.join("");
}

function histogram(
  family: string,
  point: Extract<MetricData, { dataPointType: DataPointType.HISTOGRAM }>["dataPoints"][number],
  exemplars: Exemplars,
): string {
  const { buckets, count, sum } = point.value;
  const labels = labelsOf(point.attributes);
  let text = "";
  let upTo = 0;
  for (const [index, counted] of buckets.counts.entries()) {
    upTo += counted;
    const bound = buckets.boundaries[index] ?? Number.POSITIVE_INFINITY;
    const all = labelsOf({ ...point.attributes, le: boundOf(bound) });
    text += `${family}_bucket${all} ${upTo}${exemplarText(exemplars[index])}\n`;
  }
  return `${text}${family}_count${labels} ${count}\n${family}_sum${labels} ${numberOf(sum ?? 0)}\n`;
}

/**
 * Attributes under names that Prometheus takes as labels. Those of a resource are an operator's: two whose names become the
 * same are one label with both values, as OpenTelemetry has it, for a label that comes twice spoils the whole scrape.
 */
export function toLabels(attributes: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    // Names that begin with two underscores are Prometheus' own.
    const label = name.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^(?=\d)/, "key_");
    const before = values.get(label);
    values.set(label, before === undefined ? String(value) : `${before};${value}`);
  }
  return values;
}

function labelsOf(attributes: Readonly<Record<string, unknown>>): string {
  const pairs = Array.from(toLabels(attributes), ([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  return ` # {trace_id="${exemplar.traceId}"} ${numberOf(exemplar.value)} ${(exemplar.unixMs / 1_000).toFixed(3)}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function numberOf(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

/** A bucket's bound as Go writes it, which the specification asks for: 1 is "1.0", a million "1e+06". */
function boundOf(bound: number): string {
  if (!Number.isFinite(bound)) return "+Inf";
  if (bound < 1e6) return Number.isInteger(bound) ? `${bound}.0` : String(bound);
  const [mantissa = "", exponent = ""] = bound.toExponential().split("e+");
  return `${mantissa}e+${exponent.padStart(2, "0")}`;
}
