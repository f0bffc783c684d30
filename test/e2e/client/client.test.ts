import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDeployment } from "../deployment.ts";
import { createProject, type PackedClient, type Project, packClient } from "./project.ts";

/** What somebody writes who has the client from a registry, in the words of ES modules. */
const program = `
import { createThroughline, isThroughlineError, iterate, requestIdOf } from "@throughline/client";

declare const process: { env: Record<string, string> };
const say = (value: unknown) => console.log(JSON.stringify(value));
const throughline = createThroughline({ url: process.env.GATEWAY ?? "", key: process.env.KEY ?? "" });
const messages = [{ role: "user" as const, content: "Hi" }];

async function main(): Promise<void> {
  const answer = await throughline.chat.create.mutate({ model: "gpt-4o", messages });
  const text: string | null | undefined = answer.choices[0]?.message.content;
  say({ text, id: answer.throughline.request_id, cost: answer.throughline.billed_usd });

  let streamed = "";
  for await (const event of iterate(throughline.chat.stream, { model: "gpt-4o", messages })) {
    if (event.type === "chunk") streamed += event.chunk.choices[0]?.delta.content ?? "";
    if (event.type === "end") say({ text: streamed, id: event.throughline.request_id, cost: event.throughline.billed_usd });
  }

  const abort = new AbortController();
  let left = "";
  try {
    for await (const event of iterate(throughline.chat.stream, { model: "sim-hang-stream", messages }, { signal: abort.signal })) {
      if (event.type === "start") left = event.throughline.request_id;
      if (event.type === "chunk") abort.abort(new Error("enough"));
    }
  } catch (error) {
    say({ left, error: (error as Error).message });
  }

  try {
    await throughline.chat.create.mutate({ model: "sim-status-429", messages });
  } catch (error) {
    if (!isThroughlineError(error)) throw error;
    if (error.code === "upstream_overloaded" || error.code === "rate_limit_exceeded") {
      say({ code: error.code, id: error.requestId, upstream: error.upstreamRequestId });
    } else say({ code: error.code });
  }

  for await (const request of iterate(throughline.requests.tail, { lastEventId: answer.throughline.request_id })) {
    if (request.id !== answer.throughline.request_id || request.status !== "succeeded") continue;
    say({ tailed: request.id, module: request.module });
    break;
  }
  const life = await throughline.requests.get.query({ id: answer.throughline.request_id });
  say({ life: life.id, own: requestIdOf(life) !== life.id && requestIdOf(life) !== undefined });

  const message = await throughline.messages.create.mutate({ model: "gpt-4o", max_tokens: 9, messages });
  const response = await throughline.responses.create.mutate({ model: "gpt-4o", input: "Hi" });
  const vectors = await throughline.embeddings.create.mutate({ model: "text-embedding-3-small", input: ["Hi"] });
  const order = await throughline.rerank.create.mutate({ model: "rerank/sim-plain", query: "Hi?", documents: ["Hi", "you"] });
  const judged = await throughline.moderations.create.mutate({ model: "moderation/sim-plain", input: "Hi" });
  const picture = await throughline.images.create.mutate({ model: "image/sim-plain", prompt: "Hi" });
  const spoken = await throughline.speech.create.mutate({ model: "speech/sim-plain", input: "Hi", voice: "alloy" });
  const video = await throughline.videos.create.mutate({ model: "video/sim-plain", prompt: "Hi", seconds: 4 });
  say({
    blocks: message.content.map((block) => block.type),
    response: response.status,
    vectors: vectors.data.length,
    order: order.results.map(({ index }) => index).sort(),
    flagged: judged.results[0]?.flagged,
    pictures: picture.data.length,
    spoken: [spoken.content_type, spoken.audio.length > 0],
    video: video.status,
  });
  const made = [message, response, vectors, order, judged, picture, spoken, video];
  say({ ids: new Set(made.map(({ throughline: { request_id } }) => request_id)).size });
  const types = new Set<string>();
  for await (const event of iterate(throughline.messages.stream, { model: "gpt-4o", max_tokens: 9, messages })) {
    if (event.type === "chunk") types.add(event.chunk.type);
  }
  for await (const event of iterate(throughline.responses.stream, { model: "gpt-4o", input: "Hi" })) {
    if (event.type === "chunk") types.add(event.chunk.type);
  }
  say({ types: [...types] });

  const job = await throughline.jobs.get.query({ id: video.throughline.request_id });
  const { jobs } = await throughline.jobs.list.query({ module: "video" });
  const { videos } = await throughline.videos.list.query();
  say({ job: job.module, listed: jobs.some(({ id }) => id === job.id), videos: videos.some(({ id }) => id === video.id) });
  const { models } = await throughline.models.list.query();
  const model = models.find(({ id }) => id === "gpt-4o");
  say({ model: model?.module, prices: model?.prices[0]?.rates.map(({ unit }) => unit), capabilities: model?.capabilities });
  const me = await throughline.me.get.query();
  say({ kind: me.key.kind, scopes: me.key.scopes, spent: me.account.standing.spent_today_usd, balance: me.account.balance_usd });
}

main().catch((error: unknown) => {
  console.error(error);
  (globalThis as { process?: { exit(code: number): void } }).process?.exit(1);
});
`;

/** What does not compile, each line for itself. */
const wrong = `
import { createThroughline, isThroughlineError } from "@throughline/client";
const throughline = createThroughline({ url: "", key: "" });
const messages = [{ role: "user" as const, content: "" }];
export async function wrong(): Promise<void> {
  // @ts-expect-error a field that is misspelt
  await throughline.chat.create.mutate({ model: "", mesages: [] });
  // @ts-expect-error a field that is not there
  await throughline.chat.create.mutate({ model: "", messages, temprature: 1 });
  // @ts-expect-error a role that is none
  await throughline.chat.create.mutate({ model: "", messages: [{ role: "sistem", content: "" }] });
  // @ts-expect-error a procedure that is none
  await throughline.chat.creat.mutate({ model: "", messages });
  const answer = await throughline.chat.create.mutate({ model: "", messages });
  // @ts-expect-error a reason that is none
  if (answer.choices[0]?.finish_reason === "stopped") return;
  // @ts-expect-error a filter that is misspelt
  await throughline.requests.list.query({ filter: { statuses: ["suceeded"] } });
  const { requests } = await throughline.requests.list.query();
  // @ts-expect-error a state that is misspelt
  if (requests[0]?.status === "suceeded") return;
  // @ts-expect-error a module that is misspelt
  if (requests[0]?.module === "embedings") return;
  // @ts-expect-error a code that is misspelt
  if (requests[0]?.error?.code === "upstream_eror") return;
  const account = await throughline.accounts.get.query({ name: "" });
  // @ts-expect-error a state that is misspelt
  if (account.state === "suspendet") return;
  // @ts-expect-error money is text
  const balance: number = account.balance_usd;
  const key = await throughline.keys.revoke.mutate({ key_id: "1" });
  // @ts-expect-error a kind that is misspelt
  if (key.kind === "apis") return balance as never;
  try {
    return;
  } catch (error) {
    // @ts-expect-error a code that is misspelt
    if (isThroughlineError(error) && error.code === "invalid_valu") return;
  }
}
`;

/** What docs/client.md says, as one program. */
const documented = [
  ...readFileSync(new URL("../../../docs/client.md", import.meta.url), "utf8").matchAll(/^```ts\n([\s\S]*?)^```$/gm),
]
  .map(([, block = ""]) => block)
  .join("\n");

/** The program stands twice: of the second tsc makes CommonJS. */
const files = { "program.mts": program, "program.cts": program, "wrong.mts": wrong, "documented.mts": documented };
const emitted = ["documented.mjs", "program.cjs", "program.mjs", "wrong.mjs"];

const trpcOfGateway = ["@trpc/client", "@trpc/server"];
const newestTrpc = ["trpc-client-newest", "trpc-server-newest"];

describe("the packed client, in a project outside of the repository", () => {
  let packed: PackedClient;
  let usual: Project;
  let newest: Project;
  beforeAll(async () => {
    packed = await packClient();
    [usual, newest] = await Promise.all([
      createProject(packed.tarball, trpcOfGateway),
      createProject(packed.tarball, newestTrpc),
    ]);
    for (const project of [usual, newest]) {
      for (const [name, text] of Object.entries(files)) await project.write(name, text);
    }
  }, 120_000);
  afterAll(() => Promise.all([usual, newest, packed].map((made) => made?.[Symbol.asyncDispose]())));

  test.each([
    // The types of tRPC 11.22 name packages that nobody has who does not ask for them. What compiles with the libraries checked
    // does so without.
    ["typescript-5.8", "the gateway's", true],
    ["typescript-7", "the gateway's", true],
    ["typescript-5.8", "the newest", false],
    ["typescript-7", "the newest", false],
  ] as const)(
    "compiles with %s and %s tRPC, skipLibCheck %s, and emits its own files alone",
    async (typescript, trpc, skip) => {
      const project = trpc === "the newest" ? newest : usual;
      expect(await project.compile(typescript, skip)).toEqual({ says: "", files: emitted });
      expect(documented).toContain("createThroughline(");
    },
    60_000,
  );

  // Over six processes; the console and the command line call the same procedures of one.
  test("chats, streams, stops, fails and follows", async () => {
    await using deployment = await startDeployment("mesh");
    const environment = { GATEWAY: deployment.url, KEY: deployment.key };
    const runs = [usual.run("program.mjs", environment), newest.run("program.cjs", environment)];
    for (const said of await Promise.all(runs)) {
      const id = expect.stringMatching(/^\d+$/);
      expect(said).toEqual([
        { text: expect.stringMatching(/./), id, cost: expect.stringMatching(/^\d/) },
        { text: expect.stringMatching(/./), id, cost: expect.stringMatching(/^\d/) },
        { left: id, error: "enough" },
        { code: "upstream_overloaded", id, upstream: expect.any(String) },
        { tailed: id, module: "chat" },
        { life: id, own: true },
        {
          blocks: ["text"],
          response: "completed",
          vectors: 1,
          order: [0, 1],
          flagged: expect.any(Boolean),
          pictures: 1,
          spoken: [expect.stringMatching(/^audio\//), true],
          video: expect.stringMatching(/queued|in_progress|completed/),
        },
        { ids: 8 },
        {
          types: expect.arrayContaining(["message_start", "content_block_delta", "message_stop", "response.completed"]),
        },
        { job: "video", listed: true, videos: true },
        {
          model: "chat",
          prices: expect.arrayContaining(["input_tokens", "output_tokens"]),
          capabilities: expect.arrayContaining(["tools"]),
        },
        {
          kind: "api",
          scopes: ["*"],
          spent: expect.stringMatching(/^0\.\d+$/),
          balance: expect.stringMatching(/^\d/),
        },
      ]);
    }
  }, 120_000);
});
