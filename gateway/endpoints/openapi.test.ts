import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { startTestGateway } from "../testing.ts";

interface Operation {
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
    .filter((path) => !/\.\.\.|healthz|readyz|metrics|openapi\.json|^\/callbacks|^\/openai/.test(path));
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
});
