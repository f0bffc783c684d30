import { errorCodes, errorTypes } from "../../shared/errors/catalogue.ts";
import { costHeader } from "../answers/costs.ts";
import type { FormSpec } from "../domain/form.ts";
import { answerSchemas, answersOf } from "./openapi-answers.ts";
import { queriesOf } from "./openapi-queries.ts";

/** A route of the edge, as far as a client must know it. */
export interface DescribedRoute {
  readonly method: string;
  /** As it is entered: `:id` and `*` stand for what an address names. */
  readonly url: string;
  /** JSON schema of its body. Absent: it takes none, or its form says what. */
  readonly body?: object | undefined;
  /** The form that it takes, in place of JSON or beside it. */
  readonly form?: FormSpec | undefined;
  /** Scope that a key needs. Absent: any key of the public API. */
  readonly scope?: string | undefined;
  /** Name of the module whose work it is. */
  readonly module?: string | undefined;
}

/** What no client is told here: tRPC has a contract of its own, Azure's paths are those of OpenAI once more. */
const left = /^\/(trpc|openai|openapi\.json|healthz|readyz|metrics)(\/|$)/;
const methods = ["GET", "POST", "DELETE"];
const fileField = { type: "string", format: "binary" };
const bytes = { "application/octet-stream": { schema: { type: "string", format: "binary" } } };

/** The HTTP API as an OpenAPI document, made of what the edge serves. */
export function openApiDocument(routes: readonly DescribedRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    if (left.test(route.url) || !methods.includes(route.method)) continue;
    const path = pathOf(route.url);
    const operations = paths[path] ?? {};
    operations[route.method.toLowerCase()] = operationOf(route, path);
    paths[path] = operations;
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Throughline",
      version,
      description:
        "An LLM API gateway: the paths of OpenAI, Anthropic, Google and Cohere, and records of every request.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    security: [{ bearer: [] }, { xApiKey: [] }],
    paths: Object.fromEntries(Object.entries(paths).sort(([one], [other]) => (one < other ? -1 : 1))),
    components: {
      securitySchemes,
      schemas: { Error: errorSchema, ...answerSchemas },
      responses: { Error: errorResponse },
      headers,
    },
  };
}

const securitySchemes = {
  bearer: { type: "http", scheme: "bearer" },
  xApiKey: { type: "apiKey", in: "header", name: "x-api-key" },
};

const headers = {
  RequestId: { description: "The platform's request ID.", schema: { type: "string" } },
};

const costParameter = {
  name: costHeader,
  in: "header",
  description: "`true`: the answer tells what it costs (docs/http.md).",
  schema: { type: "string", enum: ["true"] },
};

const idempotencyParameter = {
  name: "Idempotency-Key",
  in: "header",
  description: "A repeat with the same key gives the first one's answer.",
  schema: { type: "string", maxLength: 255 },
};

const preferParameter = {
  name: "Prefer",
  in: "header",
  description:
    "`respond-async`: the answer is 202 with a job, whose result is what the call would have answered (docs/jobs.md).",
  schema: { type: "string" },
};

const laterResponse = {
  description: "The job that makes the answer.",
  headers: { "request-id": { $ref: "#/components/headers/RequestId" } },
  content: { "application/json": { schema: { $ref: "#/components/schemas/Job" } } },
};

/** Whether a call may be answered later: work whose answer is whole, but for what is a job or a batch by itself. */
function isLater({ method, module }: Pick<DescribedRoute, "method" | "module">, path: string): boolean {
  return method === "POST" && module !== undefined && !/batches|videos?|:stream|count/i.test(path);
}

const errorSchema = {
  type: "object",
  required: ["type", "error", "request_id"],
  properties: {
    type: { const: "error" },
    request_id: { type: "string" },
    error: {
      type: "object",
      required: ["type", "code", "message", "param", "request_id", "upstream_request_id"],
      properties: {
        type: { type: "string", enum: errorTypes },
        code: { type: "string", enum: errorCodes },
        message: { type: "string" },
        param: { type: ["string", "null"] },
        request_id: { type: "string" },
        upstream_request_id: { type: ["string", "null"] },
      },
    },
  },
};

const errorResponse = {
  description: "A refusal or a failure.",
  headers: { "request-id": { $ref: "#/components/headers/RequestId" } },
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
};

/** `/v1beta/models/embedContent/*` as Google's clients write it, and parameters in braces. */
function pathOf(url: string): string {
  return url
    .replace(/^\/v1beta\/models\/([a-zA-Z]+)\/\*$/, "/v1beta/models/{model}:$1")
    .replace(/\*$/, "{model}")
    .replace(/:([a-z_]+)(?=\/|$)/g, "{$1}");
}

function operationOf({ method, body, form, scope, module }: DescribedRoute, path: string): object {
  const names = [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name = ""]) => name);
  const inPath = names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const parameters = [
    ...inPath,
    ...(queriesOf[`${method} ${path}`] ?? []).map((query) => ({ in: "query", ...query })),
    ...(module === undefined ? [] : [costParameter, idempotencyParameter]),
    ...(isLater({ method, module }, path) ? [preferParameter] : []),
  ];
  const content = {
    ...(body === undefined ? {} : { "application/json": { schema: body } }),
    ...(form === undefined ? {} : { "multipart/form-data": { schema: formSchema(form) } }),
  };
  return {
    operationId: `${method.toLowerCase()}_${path.replace(/[^a-zA-Z0-9]+/g, "_").replace(/^_|_$/g, "")}`,
    tags: [module ?? path.split("/")[2] ?? "api"],
    description: scope === undefined ? "Any key of the public API." : `Needs the scope \`${scope}\`.`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } }),
    responses: {
      200: {
        description: "The answer.",
        headers: { "request-id": { $ref: "#/components/headers/RequestId" } },
        content: answerOf(method, path, body),
      },
      ...(isLater({ method, module }, path) ? { 202: laterResponse } : {}),
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

/** What an answer is: JSON, and events where the body may ask for them; bytes. */
function answerOf(method: string, path: string, body: object | undefined): object {
  if (path.endsWith("/content") || path.endsWith("/audio/speech")) return bytes;
  const name = answersOf[`${method} ${path}`];
  const json = { "application/json": { schema: name === undefined ? {} : { $ref: `#/components/schemas/${name}` } } };
  const properties: unknown = body === undefined ? undefined : Reflect.get(body, "properties");
  const streams = typeof properties === "object" && properties !== null && "stream" in properties;
  const events = streams || path.endsWith(":streamGenerateContent");
  return events ? { ...json, "text/event-stream": { schema: { type: "string" } } } : json;
}

/** Fields of a form travel as text: a number is written out, a list field by field. */
function formSchema({ fields, files }: FormSpec): object {
  const required = [...Object.entries(fields), ...Object.entries(files)].flatMap(([name, field]) =>
    field.required === true ? [name] : [],
  );
  const typeOf = { text: "string", number: "number", boolean: "boolean", list: "array", object: "object" } as const;
  const properties = {
    ...Object.fromEntries(
      Object.entries(fields).map(([name, { kind }]) => [
        name,
        kind === "list" ? { type: "array", items: { type: "string" } } : { type: typeOf[kind] },
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(files).map(([name, { most }]) => [
        name,
        most === 1 ? fileField : { type: "array", items: fileField, maxItems: most },
      ]),
    ),
  };
  return { type: "object", properties, ...(required.length === 0 ? {} : { required }) };
}
