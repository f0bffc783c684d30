import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type SeenSpan, spanKinds } from "./testing.ts";

/** One export as the collector received it. */
export interface ReceivedExport {
  path: string;
  headers: IncomingHttpHeaders;
  spans: ReceivedSpan[];
}

/** A span read off the wire, with its whole resource. */
export interface ReceivedSpan extends SeenSpan {
  resource: Record<string, unknown>;
}

export interface TestCollector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly exports: readonly ReceivedExport[];
  /** Every span received so far. */
  spans(): ReceivedSpan[];
  /** Every log line received so far. */
  lines(): ReceivedLine[];
  /** Answers the next exports with this status; 200 at first. */
  answerWith(status: number): void;
  stop(): Promise<void>;
}

/** Spans of an export of traces, as its protobuf has them. */
export function decodeTraces(body: Uint8Array): ReceivedSpan[] {
  return decodeExport(body);
}

/** A log line read off the wire. */
export interface ReceivedLine {
  service: string;
  severity: string;
  severityNumber: number;
  body: unknown;
  attributes: Record<string, unknown>;
  traceId: string;
  spanId: string;
  /** Unix milliseconds. */
  timeMs: number;
}

/** Lines of an export of logs, as its protobuf has them (logs/v1/logs.proto). */
export function decodeLogs(body: Uint8Array): ReceivedLine[] {
  return messages(fieldsOf(body), 1).flatMap((resourceLogs) => {
    const resource = attributesOf(messages(resourceLogs, 1)[0] ?? new Map(), 1);
    return messages(resourceLogs, 2).flatMap((scopeLogs) =>
      messages(scopeLogs, 2).map((line) => ({
        service: String(resource["service.name"]),
        severity: textOf(line, 3),
        severityNumber: Number(numberOf(line, 2)),
        body: anyValue(messages(line, 5)[0] ?? new Map()),
        attributes: attributesOf(line, 6),
        traceId: hexOf(line, 9),
        spanId: hexOf(line, 10),
        timeMs: Number(numberOf(line, 1)) / 1e6,
      })),
    );
  });
}

/** A stand-in for an OpenTelemetry collector: takes OTLP over HTTP on a free port of 127.0.0.1 and decodes the protobuf. */
export async function startTestCollector(): Promise<TestCollector> {
  const received: ReceivedExport[] = [];
  const lines: ReceivedLine[] = [];
  let status = 200;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (status === 200 && request.url === "/v1/logs") lines.push(...decodeLogs(body));
    else if (status === 200) {
      received.push({ path: request.url ?? "", headers: request.headers, spans: decodeExport(body) });
    }
    response.writeHead(status, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports: received,
    spans: () => received.flatMap((one) => one.spans),
    lines: () => lines,
    answerWith(next) {
      status = next;
    },
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

// Field numbers: opentelemetry-proto, trace/v1/trace.proto, common/v1/common.proto, resource/v1/resource.proto.

type Fields = Map<number, (bigint | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    if (wireType === WireType.LengthDelimited) values.push(reader.bytes());
    else if (wireType === WireType.Varint) values.push(BigInt(reader.int64()));
    else if (wireType === WireType.Bit64) values.push(BigInt(reader.fixed64()));
    else if (wireType === WireType.Bit32) values.push(BigInt(reader.fixed32()));
    else throw new Error(`wire type ${wireType} in an export`);
  }
  return fields;
}

function messages(fields: Fields, number: number): Fields[] {
  return bytesOf(fields, number).map(fieldsOf);
}

function bytesOf(fields: Fields, number: number): Uint8Array[] {
  return (fields.get(number) ?? []).filter((value) => value instanceof Uint8Array);
}

function numberOf(fields: Fields, number: number): bigint {
  const value = fields.get(number)?.[0];
  return typeof value === "bigint" ? value : 0n;
}

function textOf(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields, number)[0] ?? []).toString("utf8");
}

function hexOf(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields, number)[0] ?? []).toString("hex");
}

function decodeExport(body: Uint8Array): ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messages(resourceSpans, 1)[0] ?? new Map(), 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => decodeSpan(span, resource)),
    );
  });
}

function decodeSpan(span: Fields, resource: Record<string, unknown>): ReceivedSpan {
  const parent = hexOf(span, 4);
  const status = messages(span, 15)[0] ?? new Map();
  const startNs = numberOf(span, 7);
  return {
    service: String(resource["service.name"]),
    resource,
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: parent === "" ? undefined : parent,
    name: textOf(span, 5),
    kind: spanKinds[Number(numberOf(span, 6)) - 1] ?? "unknown",
    failed: numberOf(status, 3) === 2n ? textOf(status, 2) : undefined,
    attributes: attributesOf(span, 9),
    events: messages(span, 11).map((event) => textOf(event, 2)),
    links: messages(span, 13).map((link) => ({
      ...{ traceId: hexOf(link, 1), spanId: hexOf(link, 2), attributes: attributesOf(link, 4) },
    })),
    traceState: textOf(span, 3),
    startMs: Number(startNs) / 1e6,
    durationMs: Number(numberOf(span, 8) - startNs) / 1e6,
  };
}

function attributesOf(fields: Fields, number: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => [textOf(pair, 1), anyValue(messages(pair, 2)[0] ?? new Map())]),
  );
}

function anyValue(value: Fields): unknown {
  if (value.has(1)) return textOf(value, 1);
  if (value.has(2)) return numberOf(value, 2) === 1n;
  if (value.has(3)) return Number(numberOf(value, 3));
  if (value.has(4)) return new Float64Array(BigUint64Array.of(numberOf(value, 4)).buffer)[0];
  if (value.has(5)) return messages(messages(value, 5)[0] ?? new Map(), 1).map(anyValue);
  return undefined;
}
