import { expect } from "vitest";
import type { SeenSpan } from "../../shared/telemetry/testing.ts";

/*
 * What OpenTelemetry's conventions require of a span by its kind: semantic-conventions v1.44 for HTTP, RPC and databases,
 * semantic-conventions-genai of 2026 for calls of models. A value of undefined: any.
 */

type Required = Readonly<Record<string, unknown>>;

const address = { "server.address": expect.any(String), "server.port": expect.any(Number) };
const resource = {
  "service.name": expect.stringMatching(/^throughline-/),
  "service.namespace": "throughline",
  "service.version": expect.stringMatching(/^\d+\.\d+\.\d+/),
  "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
};

/** Kinds of spans: how each is known, its name, and what it must say. */
const kinds: readonly {
  readonly what: string;
  readonly is: (span: SeenSpan) => boolean;
  readonly name: (attributes: Required) => string;
  readonly required: Required;
}[] = [
  {
    what: "an HTTP server's span",
    is: ({ kind, attributes }) => kind === "server" && "http.request.method" in attributes,
    name: (of) => `${of["http.request.method"]} ${of["http.route"]}`,
    required: {
      ...address,
      "url.path": expect.stringMatching(/^\//),
      "url.scheme": "http",
      "http.route": expect.stringMatching(/^\//),
      "http.response.status_code": expect.any(Number),
      "client.address": "127.0.0.1",
      "network.peer.address": "127.0.0.1",
      "network.protocol.version": "1.1",
      "user_agent.original": expect.any(String),
    },
  },
  {
    what: "a call that is served",
    is: ({ kind, attributes }) => kind === "server" && "rpc.method" in attributes,
    name: (of) => `${of["rpc.method"]}`,
    required: { "rpc.system.name": "grpc", "rpc.status_code": expect.stringMatching(/^[A-Z_]+$/) },
  },
  {
    what: "a call that is waited for",
    is: ({ kind, attributes }) => kind === "client" && "rpc.method" in attributes,
    name: (of) => `${of["rpc.method"]}`,
    // The processes of a mesh talk over sockets in the file system, which have a path and no port.
    required: {
      "server.address": expect.any(String),
      "rpc.system.name": "grpc",
      "rpc.status_code": expect.stringMatching(/^[A-Z_]+$/),
    },
  },
  {
    what: "a call of a model",
    is: ({ kind, attributes }) => kind === "client" && "gen_ai.operation.name" in attributes,
    name: (of) => `${of["gen_ai.operation.name"]} ${of["gen_ai.request.model"]}`,
    required: {
      ...address,
      "gen_ai.provider.name": expect.any(String),
      "gen_ai.request.model": expect.any(String),
    },
  },
  {
    what: "a job",
    is: ({ kind, name }) => kind === "internal" && name === "throughline.job",
    name: () => "throughline.job",
    required: {
      "throughline.module": expect.any(String),
      "gen_ai.request.model": expect.any(String),
      "throughline.job.outcome": expect.stringMatching(/^[a-z_]+$/),
      "throughline.job.polls": expect.any(Number),
    },
  },
  {
    what: "a statement",
    is: ({ kind, attributes }) => kind === "client" && "db.system.name" in attributes,
    name: (of) => `${of["db.query.summary"]}`,
    required: { ...address, "db.system.name": "postgresql", "db.namespace": expect.stringMatching(/^.+\|.+$/) },
  },
];

/** Holds the spans of a request against the conventions, and wants them to be one tree. Gives the kinds that there were. */
export function expectConventions(
  spans: readonly (SeenSpan & { readonly resource: Record<string, unknown> })[],
  requestId: bigint,
): Set<string> {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(ids.size).toBe(spans.length);
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !ids.has(parentSpanId));
  expect(roots.map(({ name, parentSpanId }) => [name, parentSpanId])).toEqual([[expect.any(String), undefined]]);
  expect(roots[0]?.spanId).toBe(requestId.toString(16).padStart(16, "0"));
  const seen = new Set<string>();
  for (const span of spans) {
    const kind = kinds.find(({ is }) => is(span));
    if (kind === undefined) throw new Error(`${span.kind} ${span.name} is of no kind that the conventions know`);
    seen.add(kind.what);
    const { name, attributes } = span;
    expect(name, kind.what).toBe(kind.name(attributes));
    expect(attributes, `${kind.what}: ${name}`).toMatchObject(kind.required);
    expect(span.resource).toMatchObject(resource);
    // Whatever failed says of which kind its failure is, and what did not fail names none.
    expect("error.type" in attributes, `${name} ${span.failed}`).toBe(span.failed !== undefined);
    const status = Number(attributes["http.response.status_code"] ?? 0);
    if (span.kind === "server" && status >= 400 && status < 500) expect(span.failed, name).toBeUndefined();
  }
  return seen;
}
