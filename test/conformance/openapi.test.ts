import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";
import { python } from "./python.ts";

/* /openapi.json is the truth: real answers are what it says, and a client that is generated from it works. */

const run = promisify(execFile);
const hello = [{ role: "user", content: "Hello" }];

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
  readonly components: { readonly schemas: object };
}

let house: Deployment;
let document: Document;
let folder: string;

beforeAll(async () => {
  house = await startDeployment("up", { LOG_LEVEL: "error", JOBS_FIRST_POLL: "100ms", JOBS_MAX_POLL: "200ms" });
  document = (await (await house.call("/openapi.json")).json()) as Document;
  folder = await mkdtemp(join(tmpdir(), "throughline-openapi-"));
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Calls an operation and checks that its answer is what the document says. */
async function told(method: "get" | "post" | "delete", path: string, ids: object = {}, body?: object | FormData) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "document", components: document.components });
  const address = Object.entries(ids).reduce((text, [name, id]) => text.replace(`{${name}}`, String(id)), path);
  const headers: Record<string, string> = { authorization: `Bearer ${house.key}` };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["content-type"] = "application/json";
  if (path.startsWith("/v1/messages")) headers["anthropic-version"] = "2023-06-01";
  const response = await fetch(house.url + address, {
    method: method.toUpperCase(),
    headers,
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  const responses = document.paths[path]?.[method]?.responses ?? {};
  const said = Reflect.get(responses, String(response.status)) as {
    content?: Record<string, { schema: { $ref?: string } }>;
  };
  const ref = said?.content?.["application/json"]?.schema.$ref ?? "#/components/schemas/Error";
  const isTrue = ajv.validate({ $ref: `document${ref}` }, answer);
  expect([`${method} ${path}: ${response.status}`, isTrue, ajv.errors, isTrue ? null : answer]).toEqual([
    ...[`${method} ${path}: ${response.status}`, true, null, null],
  ]);
  return { status: response.status, ref, answer };
}

function batchFile(): FormData {
  const line = {
    custom_id: "a",
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4o", messages: hello },
  };
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", new Blob([JSON.stringify(line)]), "in.jsonl");
  return form;
}

test("answers are what the document says", async () => {
  const seen = new Set<string>();
  const call = async (...given: Parameters<typeof told>) => {
    const { ref, status, answer } = await told(...given);
    expect(status).toBe(200);
    seen.add(ref);
    return answer;
  };
  await call("post", "/v1/chat/completions", {}, { model: "gpt-4o", messages: hello });
  await call("post", "/v1/completions", {}, { model: "gpt-4o", prompt: "Hello" });
  await call("post", "/v1/messages", {}, { model: "gpt-4o", messages: hello, max_tokens: 20 });
  await call("post", "/v1/messages/count_tokens", {}, { model: "gpt-4o", messages: hello });
  const response = await call("post", "/v1/responses", {}, { model: "gpt-4o", input: "Hello" });
  expect(response.status).toBe("completed");
  await call("post", "/v1/embeddings", {}, { model: "embeddings/sim-plain", input: ["a", "b"] });
  await call("post", "/v1/moderations", {}, { model: "moderation/sim-plain", input: "a" });
  await call("post", "/v2/rerank", {}, { model: "rerank/sim-plain", query: "a", documents: ["a", "b"] });
  await call("post", "/v1/images/generations", {}, { model: "image/sim-plain", prompt: "a" });
  await call("get", "/v1/models");
  await call("get", "/v1/models/{model}", { model: "gpt-4o" });
  const file = await call("post", "/v1/files", {}, batchFile());
  await call("get", "/v1/files");
  await call("get", "/v1/files/{id}", { id: file.id });
  const made = {
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    metadata: { a: "b" },
  };
  const batch = await call("post", "/v1/batches", {}, made);
  await eventually(async () =>
    (await call("get", "/v1/batches/{id}", { id: batch.id })).status === "completed" ? true : undefined,
  );
  await call("get", "/v1/batches");
  await call("post", "/v1/batches/{id}/cancel", { id: batch.id });
  await call("delete", "/v1/files/{id}", { id: file.id });
  const params = { model: "gpt-4o", messages: hello, max_tokens: 20 };
  const messages = await call("post", "/v1/messages/batches", {}, { requests: [{ custom_id: "a", params }] });
  await eventually(async () =>
    (await call("get", "/v1/messages/batches/{id}", { id: messages.id })).processing_status === "ended"
      ? true
      : undefined,
  );
  await call("get", "/v1/messages/batches");
  await call("post", "/v1/messages/batches/{id}/cancel", { id: messages.id });
  await call("delete", "/v1/messages/batches/{id}", { id: messages.id });
  const video = await call("post", "/v1/videos", {}, { model: "video/sim-plain", prompt: "a" });
  await eventually(async () =>
    (await call("get", "/v1/videos/{id}", { id: video.id })).status === "completed" ? true : undefined,
  );
  await call("get", "/v1/videos");
  await call("get", "/v1/jobs/{id}", { id: video.id });
  await call("delete", "/v1/videos/{id}", { id: video.id });
  const names = Object.keys(document.components.schemas).filter((name) => name !== "Error");
  expect(names.filter((name) => ![...seen].some((ref) => ref.endsWith(`/${name}`)))).toEqual([]);
  for (const wrong of [
    await told("get", "/v1/batches/{id}", { id: "batch_1" }),
    await told("post", "/v1/embeddings", {}, {}),
  ]) {
    expect(wrong.status).toBeGreaterThanOrEqual(400);
  }
}, 60_000);

const program = `
import io, sys, time
sys.path.insert(0, sys.argv[1])
from throughline_api import AuthenticatedClient
from throughline_api.types import File
from throughline_api.api.chat import post_v1_chat_completions as chat, post_v1_batches as create_batch
from throughline_api.api.embeddings import post_v1_embeddings as embeddings
from throughline_api.api.models import get_v1_models as models
from throughline_api.api.files import post_v1_files as upload, get_v1_files as files, get_v1_files_id_content as content
from throughline_api.api.batches import get_v1_batches_id as batch_of
from throughline_api.api.jobs import get_v1_jobs_id as job_of
from throughline_api.models import (ChatCompletion, Error, Job, PostV1BatchesBody, PostV1ChatCompletionsBody,
    PostV1EmbeddingsBody, PostV1FilesBody)

client = AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3], raise_on_unexpected_status=True)
hello = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
body = PostV1ChatCompletionsBody.from_dict(hello)
assert "gpt-4o" in [model.id for model in models.sync(client=client).data]
said = chat.sync(client=client, body=body)
assert isinstance(said, ChatCompletion) and said.choices[0].message.content and said.usage.total_tokens > 0, said
vector = embeddings.sync(client=client, body=PostV1EmbeddingsBody.from_dict({"model": "embeddings/sim-plain", "input": "a"}))
assert vector.data[0].index == 0 and len(vector.data[0].embedding) > 0, vector
wrong = chat.sync(client=client, body=PostV1ChatCompletionsBody.from_dict({**hello, "model": "no-such-model"}))
assert isinstance(wrong, Error) and wrong.error.code == "model_not_supported" and wrong.request_id, wrong

import json
line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": hello}
payload = io.BytesIO(json.dumps(line).encode())
file = upload.sync(client=client, body=PostV1FilesBody(file=File(payload=payload, file_name="in.jsonl"), purpose="batch"))
assert file.id in [one.id for one in files.sync(client=client, purpose="batch", limit=5).data]
wanted = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
batch = create_batch.sync(client=client, body=PostV1BatchesBody.from_dict(wanted))
while batch.status not in ("completed", "expired", "cancelled"):
    time.sleep(0.1)
    batch = batch_of.sync(batch.id, client=client)
assert batch.request_counts.completed == 1, batch
results = content.sync(batch.output_file_id, client=client).payload.read()
assert json.loads(results)["custom_id"] == "a", results

job = chat.sync(client=client, body=body, prefer="respond-async")
assert isinstance(job, Job), job
while job.status not in ("succeeded", "failed"):
    time.sleep(0.1)
    job = job_of.sync(job.id, client=client)
assert job.status == "succeeded" and job.result["choices"], job
`;

test("a client for Python that is generated from the document works", async ({ skip }) => {
  const hasGenerator = await run("openapi-python-client", ["--version"]).then(
    () => true,
    () => false,
  );
  if (!hasGenerator) skip("openapi-python-client is not installed");
  await writeFile(join(folder, "openapi.json"), JSON.stringify(document));
  const target = join(folder, "throughline_api");
  const { stdout } = await run(
    "openapi-python-client",
    [
      "generate",
      "--path",
      join(folder, "openapi.json"),
      "--output-path",
      target,
      "--meta",
      "none",
      "--fail-on-warning",
    ],
    { cwd: folder },
  );
  expect(stdout).not.toMatch(/WARNING|ERROR/i);
  await python(program, folder, house.url, house.key);
}, 90_000);
