import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { PageAsked, Pages } from "../../gateway/pages/pages.ts";
import { createThreadedPages } from "../../gateway/pages/threaded-pages.ts";
import { createPages } from "../../gateway/pages/write-pages.ts";
import { account, ended, startTestHistory } from "../../services/history/testing.ts";
import { createLog } from "../../shared/log.ts";
import { createPacing } from "../../shared/pace.ts";
import { createRequestCount } from "../../shared/request-count.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { type Thread, ThreadGone } from "../../shared/thread/thread.ts";
import { createPagesThread } from "./pages-thread.ts";

/** The thread of long pages over a real history: it says byte by byte what this thread says, and is never missed. */

const view = { idStyle: "decimal", traceUiUrl: undefined } as const;
const records = 140;
const options = { timeoutMs: 15_000 };
const requests = createRequestCount();

let history: Awaited<ReturnType<typeof startTestHistory>>;
let here: Pages;
let thread: Thread;
/** Pages that were written here. */
let writtenHere = 0;
let pages: Pages;
const noted: Pages = {
  write: (page, call) => {
    writtenHere++;
    return here.write(page, call);
  },
};

beforeAll(async () => {
  history = await startTestHistory();
  const firstId = firstIdAt(Date.now() - 3_600_000);
  await Promise.all(
    Array.from({ length: records }, (_, n) =>
      history.record(
        ended(firstId + (BigInt(n) << 22n), {
          userId: n % 2 === 0 ? "even" : "",
          response: Buffer.from(JSON.stringify({ text: `„${n}“ 你好 `.repeat(1 + (n % 7) * 400) })),
        }),
      ),
    ),
  );
  const pacing = createPacing();
  here = createPages({ history: history.client, view, pacing, atOnce: 25, chunkCharacters: 32_768 });
  const log = createLog({ service: "test", level: "fatal" });
  thread = createPagesThread(
    {
      history: { databaseUrl: history.url, poolSize: 4, partitionMs: 7 * 86_400_000 },
      ...{ view, logLevel: "fatal", requests: requests.memory },
    },
    log,
  );
  pages = createThreadedPages(noted, thread);
});
afterAll(async () => {
  await thread.stop();
  await history[Symbol.asyncDispose]();
});

const owner = { accountId: account };
const asked: readonly [name: string, PageAsked][] = [
  ["a page by number", { kind: "query", request: { owner, page: 1, pageSize: 1_000 } }],
  ["a page in the middle", { kind: "query", request: { owner, page: 2, pageSize: 60 } }],
  ["a page of nobody", { kind: "query", request: { owner: { accountId: 99n }, page: 1, pageSize: 100 } }],
  [
    "a user's page",
    { kind: "query", request: { owner: { accountId: account, userId: "even" }, page: 1, pageSize: 70 } },
  ],
  ["a list", { kind: "list", request: { owner, limit: 100 } }],
  ["a list with contents", { kind: "list", request: { owner, limit: 120, withPayload: true, ascending: true } }],
  ["an export", { kind: "export", request: { owner, limit: 100 } }],
];

async function textOf(from: Pages, page: PageAsked): Promise<string> {
  const { chunks, bytes } = await from.write(page, options);
  const text = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string)));
  expect(text.length).toBe(bytes);
  return text.toString();
}

async function started(): Promise<void> {
  await vi.waitFor(() => expect(thread.ready()).toBe(true), { timeout: 15_000, interval: 20 });
}

describe("long pages", () => {
  test("are written here until the thread can, and short ones always", async () => {
    await textOf(pages, { kind: "query", request: { owner, page: 1, pageSize: 51 } });
    expect(writtenHere).toBe(1);
    await started();
    await textOf(pages, { kind: "query", request: { owner, page: 1, pageSize: 51 } });
    expect(writtenHere).toBe(1);
    await textOf(pages, { kind: "query", request: { owner, page: 1, pageSize: 50 } });
    await textOf(pages, { kind: "list", request: { owner } });
    expect(writtenHere).toBe(3);
  });

  test.each(asked)("%s is the same to the byte", async (_, page) => {
    await started();
    const before = writtenHere;
    expect(await textOf(pages, page)).toBe(await textOf(here, page));
    expect(writtenHere).toBe(before);
  });

  test("fail as here", async () => {
    await started();
    const wrong: readonly PageAsked[] = [
      { kind: "query", request: { owner, page: 101, pageSize: 1_000 } },
      { kind: "query", request: { page: 1, pageSize: 1_000 } },
      { kind: "list", request: { owner, limit: 1_001 } },
      { kind: "export", request: { owner, cursor: "nonsense" } },
    ];
    const before = writtenHere;
    for (const page of wrong) {
      const [there, error] = await Promise.all([pages, here].map((by) => by.write(page, options).catch((e) => e)));
      expect(there).toMatchObject({ code: error.code, message: error.message, param: error.param });
    }
    const [, page] = asked[0] ?? [];
    if (page === undefined) throw new Error("there is a page");
    await expect(pages.write(page, { timeoutMs: 0.001 })).rejects.toMatchObject({ code: "upstream_timeout" });
    expect(writtenHere).toBe(before);
  });

  test("share their thread by account: who asks for too much waits behind its own", async () => {
    await started();
    const many = Array.from({ length: 300 }, () =>
      pages.write({ kind: "query", request: { owner, page: 1, pageSize: 1_000 } }, options),
    );
    const settled = Promise.allSettled(many);
    const other = { kind: "query", request: { owner: { accountId: 99n }, page: 1, pageSize: 100 } } as const;
    const { bytes } = await pages.write(other, options);
    expect(bytes).toBe('{"data":[],"has_more":false}'.length);
    const refused = (await settled).flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set(["concurrent_limit_exceeded"]));
  });

  test("of a thread that ends are written here", async () => {
    await started();
    const page: PageAsked = { kind: "list", request: { owner, limit: 100, withPayload: true } };
    const expected = await textOf(here, page);
    const before = writtenHere;
    // Nobody knows whether it has read what it was asked for when it ended.
    const ended: Thread = { ...thread, ready: () => true, call: () => Promise.reject(new ThreadGone("it ended")) };
    expect(await textOf(createThreadedPages(noted, ended), page)).toBe(expected);
    expect(writtenHere).toBe(before + 1);
    // A thread that is stopped ends what it has begun, for two seconds; the rest is written here.
    const running = Array.from({ length: 4 }, () => textOf(pages, page));
    await thread.stop();
    expect(await Promise.all(running)).toEqual(running.map(() => expected));
    const afterwards = writtenHere;
    expect(await textOf(pages, page)).toBe(expected);
    expect(writtenHere).toBe(afterwards + 1);
  });
});
