import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { startTestGateway } from "../testing.ts";
import { answersOf } from "./openapi-answers.ts";
import { queriesOf } from "./openapi-queries.ts";

interface Operation {
  readonly responses: { readonly 200: { readonly content: Readonly<Record<string, { readonly schema: object }>> } };
  readonly operationId: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>;
  };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const documented = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8").split("## Decisions")[0] ?? "";

test("GET /openapi.json is a valid OpenAPI document of every path that docs/http.md names", async () => {
  await using gateway = await startTestGateway();
  const document = (await (await gateway.call("/openapi.json")).json()) as Document;
  const checked = await new Validator().validate({ ...document });
  expect(checked).toEqual({ valid: true });
  expect((await new Validator().validate({ ...document, info: {} })).valid).toBe(false);

  const told = [...documented.matchAll(/`(?:GET|POST|DELETE)(?:`, `(?:POST|DELETE))? (\/[^`]+)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !/\.\.\.|healthz|readyz|metrics|openapi\.json|^\/callbacks|^\/openai|^\/console/.test(path));
  expect(told.length).toBeGreaterThan(30);
  expect(told.filter((path) => document.paths[path] === undefined)).toEqual([]);

  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test("bodies are told by the schemas that check them, forms by what is read of them", async () => {
  await using gateway = await startTestGateway();
  const { paths } = (await (await gateway.call("/openapi.json")).json()) as Document;
  const fields = (path: string, type: string) =>
    Object.keys(paths[path]?.post?.requestBody?.content[type]?.schema.properties ?? {});
  expect(fields("/v1/chat/completions", "application/json")).toEqual(
    expect.arrayContaining(["model", "messages", "tools"]),
  );
  expect(fields("/v1/audio/transcriptions", "multipart/form-data")).toEqual(expect.arrayContaining(["model", "file"]));
  expect(fields("/v1/videos", "application/json")).toContain("seconds");
  expect(fields("/v1/videos", "multipart/form-data")).toContain("input_reference");
  expect(fields("/v1/files", "multipart/form-data")).toEqual(["purpose", "expires_after", "file"]);
  // Every POST that takes a body declares it. The paths below take none.
  const bodyless = Object.entries(paths).flatMap(([path, { post }]) =>
    post !== undefined && post.requestBody === undefined ? [path] : [],
  );
  expect(bodyless.filter((path) => !/\/(cancel|variations|history\/delete)$/.test(path))).toEqual([]);
});

test("answers and queries are told of operations that there are, and answers of all but these", async () => {
  await using gateway = await startTestGateway();
  const { paths } = (await (await gateway.call("/openapi.json")).json()) as Document;
  const operations = Object.entries(paths).flatMap(([path, all]) =>
    Object.entries(all).map(([method, { responses }]) => [`${method.toUpperCase()} ${path}`, responses] as const),
  );
  const names = operations.map(([name]) => name);
  expect(
    [...Object.keys(answersOf), ...Object.keys(queriesOf)].filter((name) => names.every((one) => one !== name)),
  ).toEqual([]);
  const untold = operations.filter(
    ([
      ,
      {
        200: { content },
      },
    ]) => {
      const schema = content["application/json"]?.schema;
      return schema !== undefined && Object.keys(schema).length === 0;
    },
  );
  // In Google's words, of sound in one of several formats, of history and of the key itself any JSON may come.
  const open = /^\w+ \/(v1beta|bp|ai_request|v1\/(audio|me|requests|video\/|images\/variations|responses))/;
  expect(untold.map(([name]) => name).filter((name) => !open.test(name))).toEqual([]);
});
