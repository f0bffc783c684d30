import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Database } from "./database.ts";
import { createListener } from "./listener.ts";
import { statement } from "./statement.ts";
import { startTcpProxy } from "./tcp-proxy.fixture.ts";
import { silentLog, type TestPostgres, testPostgres } from "./testing.ts";

let postgres: TestPostgres;
let db: Database<unknown>;
beforeAll(async () => {
  postgres = await testPostgres();
  db = createDatabase({ url: postgres.url, schema: "public", applicationName: "test", log: silentLog });
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});

const notifyStatement = statement("notify", "select pg_notify($1, $2)");
const notify = (channel: string, payload: string): Promise<unknown> => db.query(notifyStatement, [channel, payload]);

/** A queue whose reader waits for the next item. */
function createQueue<T>(): { put(item: T): void; next(): Promise<T> } {
  const items: T[] = [];
  let wake = Promise.withResolvers<void>();
  return {
    put(item) {
      items.push(item);
      wake.resolve();
    },
    async next() {
      while (items.length === 0) {
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
      return items.shift() as T;
    },
  };
}

test("hears its channels and no others; a callback that throws does no harm", async () => {
  const heard = createQueue<string>();
  const failures = createQueue<string>();
  const listener = createListener({
    url: postgres.url,
    applicationName: "test",
    channels: {
      'Key "revoked"': (payload) => heard.put(payload),
      broken: () => {
        throw new Error("broken callback");
      },
    },
    log: { ...silentLog, error: (_fields, message) => failures.put(message) },
  });
  try {
    await listener.ready;
    expect(listener.listening).toBe(true);
    await notify("other", "unheard");
    await notify("broken", "");
    await notify('Key "revoked"', "1");
    expect(await heard.next()).toBe("1");
    expect(await failures.next()).toBe("a listener's callback failed");
  } finally {
    await listener.close();
  }
  expect(listener.listening).toBe(false);
});

test("listens again after its connection broke, and says so for what was missed to be read anew", async () => {
  const proxy = await startTcpProxy(postgres.url);
  const heard = createQueue<string>();
  const listened = createQueue<void>();
  const broke = createQueue<string>();
  const listener = createListener({
    url: proxy.url,
    applicationName: "test",
    channels: { keys: (payload) => heard.put(payload) },
    onListening: () => listened.put(),
    log: { ...silentLog, warn: (_fields, message) => broke.put(message) },
  });
  try {
    await listened.next();
    proxy.cut();
    await broke.next();
    expect(listener.listening).toBe(false);
    proxy.mend();
    await listened.next();
    await notify("keys", "2");
    expect(await heard.next()).toBe("2");
  } finally {
    await listener.close();
    await proxy.close();
  }
});

test("notices a connection that is dead without a word", async () => {
  const proxy = await startTcpProxy(postgres.url);
  const broke = createQueue<string>();
  const listener = createListener({
    url: proxy.url,
    applicationName: "test",
    channels: { keys: () => undefined },
    log: { ...silentLog, warn: (fields) => broke.put((fields as { reason: string }).reason) },
    heartbeatMs: 20,
    answerLimitMs: 100,
  });
  try {
    await listener.ready;
    proxy.swallow();
    expect(await broke.next()).toBe("Query read timeout");
  } finally {
    await listener.close();
    await proxy.close();
  }
});

test("can be closed while the server is away", async () => {
  const listener = createListener({
    url: "postgres://nobody@127.0.0.1:1/none",
    applicationName: "test",
    channels: { keys: () => undefined },
    log: silentLog,
  });
  await listener.close();
  await listener.ready;
  expect(listener.listening).toBe(false);
});
