import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { statement } from "../shared/db/index.ts";
import { testPostgres } from "../shared/db/testing.ts";
import { type Deployment, startDeployment } from "../test/e2e/deployment.ts";
import { testCommands } from "./testing-commands.ts";

const adminKey = "tl-cli-test-0123456789abcdef";
const breakBalance = statement("break_balance", "update billing.account set balance = balance + 1 where name = 'acme'");
const hello = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };

describe("the administration command line", () => {
  const undo = new AsyncDisposableStack();
  let deployment: Deployment;
  let env: Record<string, string>;
  let folder: string;

  beforeAll(async () => {
    const database = undo.use(await testPostgres());
    deployment = undo.use(
      await startDeployment("up", { THROUGHLINE_ADMIN_KEY: adminKey, WEBHOOK_ALLOW: "127.0.0.1" }, database.url),
    );
    folder = await mkdtemp(join(tmpdir(), "throughline-cli-"));
    undo.defer(() => rm(folder, { recursive: true, force: true }));
    env = {
      PATH: process.env.PATH ?? "",
      THROUGHLINE_URL: deployment.url,
      THROUGHLINE_ADMIN_KEY: adminKey,
      THROUGHLINE_DATA: folder,
      DATABASE_URL: database.url,
    };
  }, 90_000);
  afterAll(() => undo.disposeAsync());

  const { run, start, json } = testCommands(() => env);

  it("makes a key that works, rotates it with an overlap, and revokes it at once", async () => {
    interface Made {
      readonly key_id: string;
      readonly secret: string;
    }
    const models = async (secret: string) =>
      (await deployment.call("/v1/models", undefined, { authorization: `Bearer ${secret}` })).status;
    const made = await json<Made>("keys", "create", "--name", "robot", "--scope", "chat,history.read", "--rpm", "50");
    expect(await models(made.secret)).toBe(200);
    const rotated = await json<Made>("keys", "rotate", made.key_id, "--overlap", "1h");
    expect([await models(made.secret), await models(rotated.secret)]).toEqual([200, 200]);
    await json("keys", "revoke", made.key_id);
    const { events } = await json<{ events: object[] }>("trail", "--target", made.key_id);
    expect(events.map((event) => ({ ...event }))).toMatchObject([
      { procedure: "keys.revoke", outcome: "done", values: null, address: "127.0.0.1" },
      { procedure: "keys.revoke", outcome: null, values: { key_id: made.key_id } },
      { procedure: "keys.rotate", outcome: "done" },
      { procedure: "keys.rotate", outcome: null, values: { key_id: made.key_id, overlap_ms: 3_600_000 } },
    ]);
    expect(JSON.stringify(events)).not.toContain(rotated.secret);
    expect((await run(["trail", "--limit", "1"])).out).toMatch(/keys\.revoke[\s\S]*More: --before \d+/);
    expect([await models(made.secret), await models(rotated.secret)]).toEqual([401, 401]);
    const { out } = await run(["keys", "list", "--account", "default", "--left"]);
    expect(out).toMatch(/robot +chat,history\.read .+ requests this minute 50\n/);
    expect(out + deployment.output()).not.toContain(made.secret);
    expect(out + deployment.output()).not.toContain(rotated.secret);
  });

  it("rotates the key that it uses, of any kind, and keeps that of a data folder where it was", async () => {
    interface Rotated {
      readonly secret: string;
      readonly kept_in?: string;
    }
    const made = await json<{ key_id: string; secret: string }>("keys", "create", "--name", "own");
    const as = { THROUGHLINE_ADMIN_KEY: made.secret };
    const repeated = ["me", "rotate", "--idempotency-key", "once", "--json"];
    const [first, second] = await Promise.all([run(repeated, as), run(repeated, as)]);
    const { secret, kept_in } = JSON.parse(first.out) as Rotated;
    expect([JSON.parse(second.out).secret, kept_in]).toEqual([secret, undefined]);

    const file = join(folder, "admin-key");
    await writeFile(file, `${secret}\n`);
    const ofFolder = { THROUGHLINE_ADMIN_KEY: "" };
    const told = await run(["me", "rotate", "--overlap", "0"], ofFolder);
    expect([told.code, told.err]).toEqual([0, ""]);
    expect(told.out).toContain(`kept in ${file}`);
    expect(told.out).not.toContain((await readFile(file, "utf8")).trim());
    expect((await run(["me", "get"], ofFolder)).out).toMatch(/name +own\nkind +api/);
    await rm(file);
    const { events } = await json<{ events: object[] }>("trail", "--procedure", "me.rotate", "--target", made.key_id);
    expect(events).toHaveLength(6);
    expect(JSON.stringify(events)).not.toMatch(/once/);
  });

  it("changes of a key's and an account's limits what is given, and leaves the others", async () => {
    interface Limited {
      readonly key_id: string;
      readonly limits: object;
    }
    const none = {
      tokens_per_minute: null,
      concurrent_requests: null,
      concurrent_jobs: null,
      monthly_budget_usd: null,
    };
    const made = await json<Limited>("keys", "create", "--rpm", "100", "--daily-budget", "20");
    const { limits } = await json<Limited>("keys", "update", made.key_id, "--rpm", "5");
    expect(limits).toEqual({ ...none, requests_per_minute: 5, daily_budget_usd: "20" });
    const unlimited = await json<Limited>("keys", "update", made.key_id, "--daily-budget", "0");
    expect(unlimited.limits).toEqual({ ...none, requests_per_minute: 5, daily_budget_usd: null });
    expect((await run(["keys", "update", "999999", "--rpm", "5"])).err).toContain("There is no such key");
    await json("accounts", "create", "limited", "--daily-budget", "7");
    const account = await json<Limited>("accounts", "update", "limited", "--rpm", "3");
    expect(account.limits).toEqual({ ...none, requests_per_minute: 3, daily_budget_usd: "7" });
  });

  it("opens an account, tops it up once a reference, and shows its ledger and usage", async () => {
    const account = await json<{ account_id: string }>(
      "accounts",
      "create",
      "acme",
      "--policy",
      "drain",
      "--concurrent",
      "3",
    );
    for (let i = 0; i < 2; i++)
      await json("credits", "add", "acme", "0.000000001", "--reason", "paid", "--reference", "r1");
    expect((await run(["credits", "adjust", account.account_id, "--reason", "typo", "--", "-0.5"])).code).toBe(0);
    expect(await json("accounts", "get", "acme")).toMatchObject({
      balance_usd: "-0.499999999",
      disconnect_policy: "drain",
      limits: { concurrent_requests: 3 },
    });
    const { entries } = await json<{ entries: { kind: string; amount_usd: string }[] }>("ledger", "--account", "acme");
    expect(entries).toMatchObject([
      { kind: "adjustment", amount_usd: "-0.5" },
      { kind: "topup", amount_usd: "0.000000001" },
    ]);
    await (await deployment.call("/v1/chat/completions", hello)).text();
    await vi.waitFor(
      async () => {
        const { sums } = await json<{ sums: { name: string; requests: number }[] }>(
          "usage",
          "--by",
          "model",
          "--from",
          "1h",
        );
        expect(sums).toMatchObject([{ name: "gpt-4o", requests: 1 }]);
      },
      { timeout: 10_000 },
    );
    const usage = async (...args: string[]) => (await run(["usage", "--from", "1h", ...args])).out;
    const byKey = (await usage("--by", "key", "--format", "csv")).split("\r\n");
    expect(byKey[0]).toMatch(
      /^time,name,title,requests,charged_usd,list_price_usd,listed_requests,margin_usd,estimated,input_tokens,/,
    );
    expect(byKey[1]).toMatch(/^,\d+,bootstrap,1,/);
    expect(byKey.slice(2)).toEqual([""]);
    expect(await usage("--by", "key")).toMatch(/\n\d+ bootstrap +1 /);
    const [line, end] = (await usage("--by", "channel", "--step", "hour", "--format", "ndjson")).split("\n");
    expect(JSON.parse(line ?? "")).toMatchObject({
      name: "openai",
      requests: 1,
      time: expect.stringMatching(/:00:00\.000Z$/),
    });
    expect(end).toBe("");
    expect(await run(["usage", "--by", "moon"])).toMatchObject({ code: 2, err: expect.stringContaining("channel") });
  });

  it("guesses no account where a name is another's ID", async () => {
    const first = await json<{ account_id: string }>("accounts", "create", "4711000");
    expect(await json("accounts", "get", "4711000")).toMatchObject(first);
    const second = await json<{ account_id: string }>("accounts", "create", first.account_id);
    const refused = await run(["credits", "add", first.account_id, "5", "--reason", "x"]);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining(`is the name of account ${second.account_id}`),
    ]);
    await json("credits", "add", second.account_id, "5", "--reason", "x");
    expect(await json("accounts", "get", "4711000")).toMatchObject({ balance_usd: "0" });
  });

  it("finds, follows, exports and deletes requests", async () => {
    const tail = start(["requests", "tail", "--json", "--model", "gpt-4o"]);
    // It listens once the first of our requests shows: until then we send more.
    const ids: string[] = [];
    await vi.waitFor(
      async () => {
        const response = await deployment.call("/v1/chat/completions", hello);
        ids.push(response.headers.get("request-id") ?? "");
        await response.text();
        expect(tail.out()).toContain('"status":"succeeded"');
      },
      { timeout: 15_000, interval: 300 },
    );
    tail.child.kill("SIGINT");
    expect([await tail.ended, tail.err()]).toEqual([0, ""]);

    const id = ids[0] ?? "";
    const life = await run(["requests", "get", `chatcmpl-${id}`]);
    expect(life.out).toMatch(new RegExp(`^request +${id}\n`));
    expect(life.out).toMatch(/module +chat\n/);
    expect(life.out).toMatch(/usage +\d+ input_tokens, \d+ output_tokens\n/);
    expect(life.out).toMatch(/price +\$2.5 for 1000000 input_tokens; /);
    expect((await run(["requests", "list", "--module", "chat"])).out).toContain(id);
    expect((await run(["requests", "list", "--module", "embeddings"])).out).toBe("There are no such requests.\n");
    expect(life.out).toMatch(/succeeded[\s\S]*billed +\$[\s\S]*ATTEMPT[\s\S]*upstream_sent/);
    const file = join(folder, "export.ndjson");
    const exported = await run(["export", "--from", "1h", "--out", file]);
    expect([exported.code, exported.out]).toEqual([0, ""]);
    const lines = (await readFile(file, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: string; response: string });
    expect(new Set(lines.map((line) => line.id)).size).toBe(lines.length);
    expect(lines.find((line) => line.id === id)?.response).toContain('"chat.completion"');
    const own = await run(["export", "--from", "1h", "--key", "999999"], { THROUGHLINE_ADMIN_KEY: deployment.key });
    expect([own.code, own.out, own.err]).toEqual([0, "", ""]);
    const others = await run(["export", "--from", "1h"], { THROUGHLINE_ADMIN_KEY: deployment.key });
    expect(others.out.trimEnd().split("\n")).toHaveLength(lines.length);
    expect((await run(["requests", "delete", id, "5"])).out).toBe("1 deleted.\n");
    expect((await run(["requests", "get", id])).code).toBe(1);
  });

  it("shows a job with what it cost, and lists jobs and batches", async () => {
    const begun = await deployment.call("/v1/chat/completions", hello, { prefer: "respond-async" });
    const { id } = (await begun.json()) as { id: string };
    await vi.waitFor(
      async () => {
        const { out } = await run(["jobs", "get", id]);
        expect(out).toMatch(/billed usd +0\.\d+\n[\s\S]*usage +\d+ input_tokens, \d+ output_tokens\n/);
      },
      { timeout: 15_000, interval: 300 },
    );
    expect((await run(["jobs", "list", "--limit", "5"])).out).toMatch(new RegExp(`^ID +CREATED[\\s\\S]*\n${id} `));
    expect((await run(["jobs", "batches"])).out).toBe("There are no batches.\n");
    expect(await run(["jobs", "batch", "batch_1"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("not_found"),
    });
  });

  it("audits over the gateway and directly; a wrong row is shown and makes the exit code 1", async () => {
    for (const args of [["audit"], ["audit", "--direct"]]) {
      const sound = await run(args);
      expect([sound.code, sound.err, sound.out]).toEqual([
        0,
        "",
        expect.stringMatching(/^ok {6}[\s\S]*The ledger is sound\.\n$/),
      ]);
    }
    await deployment.db.query(breakBalance, []);
    const unsound = await run(["audit", "--direct"]);
    expect([unsound.code, unsound.out]).toEqual([
      1,
      expect.stringMatching(/FAILED {2}every balance[\s\S]*The ledger is NOT sound/),
    ]);
    expect(await run(["audit", "--json"])).toMatchObject({ code: 1, out: expect.stringContaining('"sound": false') });
  });

  it("puts a channel with a credential from a file, and removes it", async () => {
    const file = join(folder, "channel.yaml");
    await writeFile(
      file,
      "name: extra\nadapter: openai\nbase_url: http://127.0.0.1:9/v1\nmodels: [{ model: gpt-4o }]\nenabled: false\n",
    );
    const put = await run(["channels", "put", file, "--credential-file", "-", "--json"], {}, "sk-very-secret\n");
    expect(JSON.parse(put.out)).toMatchObject({ name: "extra", credentials: ["sealed"], enabled: false });
    expect(put.out + deployment.output()).not.toContain("sk-very-secret");
    expect((await run(["channels", "list"])).out).toMatch(/\nextra +openai/);
    expect((await run(["channels", "delete", "extra"])).code).toBe(0);
  });

  it("makes a webhook, tries it, gives it a new secret, sends a delivery again, and removes it", async () => {
    interface Made {
      readonly webhook_id: string;
      readonly secret: string;
    }
    const seen: string[] = [];
    const taken = Promise.withResolvers<void>();
    let status = 500;
    const receiver = createServer((request, response) => {
      seen.push(String(request.headers["webhook-signature"]));
      response.writeHead(status).end();
      if (status === 204) taken.resolve();
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const port = Reflect.get(Object(receiver.address()), "port");
    const url = `http://127.0.0.1:${port}/hooks`;
    const made = await json<Made>(
      "webhooks",
      "create",
      url,
      "--event",
      "video.*,alert.budget",
      "--description",
      "mine",
    );
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { webhook_id } = made;
    await json("webhooks", "test", webhook_id);
    const [rotated] = await Promise.all([
      json<Made>("webhooks", "rotate", webhook_id),
      json("webhooks", "update", webhook_id, "--no-enabled"),
    ]);
    await json("webhooks", "update", webhook_id, "--enabled");
    const dead = await json<{ deliveries: { delivery_id: string }[] }>("webhooks", "deliveries", "--state", "dead");
    status = 204;
    await json("webhooks", "resend", dead.deliveries[0]?.delivery_id ?? "");
    await taken.promise;
    expect(seen.at(-1)).toMatch(/^v1,\S+ v1,\S+$/);
    const [list, callbacks, text] = await Promise.all([
      run(["webhooks", "list", "--account", "default"]),
      json<Made>("webhooks", "callback-secret"),
      run(["webhooks", "deliveries", "--webhook", webhook_id]),
    ]);
    expect(list.out).toMatch(/video\.\*,alert\.budget +yes +mine/);
    expect(text.out).toMatch(/webhook\.test +(delivered|pending)/);
    expect(callbacks.secret).toMatch(/^whsec_/);
    for (const { secret } of [made, rotated, callbacks]) expect(list.out + deployment.output()).not.toContain(secret);
    await json("webhooks", "delete", webhook_id);
    expect((await run(["webhooks", "update", webhook_id, "--enabled"])).err).toContain("There is no such webhook");
    receiver.close();
  }, 60_000);

  const wrong: readonly [readonly string[], Record<string, string>, number, RegExp][] = [
    [["nothing"], {}, 2, /unknown command/],
    [["keys", "create", "--nonsense"], {}, 2, /unknown option/],
    [["keys", "create", "--kind", "robot"], {}, 2, /Allowed choices/],
    [["keys", "rotate"], {}, 2, /missing required argument/],
    [["credits", "adjust", "default", "0.0000000005", "--reason", "x"], {}, 2, /nine decimals/],
    [["credits", "add", "default", "1e3", "--reason", "x"], {}, 2, /US dollars/],
    [["usage", "--from", "yesterday"], {}, 2, /how long ago/],
    [["usage", "--from", "2026-11-02", "--to", "2026-11-01"], {}, 1, /to: must be after from\. \(invalid_value/],
    [["keys", "revoke", "999999"], {}, 1, /no such key.*not_found, request \d+/],
    [["accounts", "list"], { THROUGHLINE_ADMIN_KEY: "tl-cli-wrong-0123456789" }, 1, /invalid_api_key/],
    [["accounts", "list"], { THROUGHLINE_ADMIN_KEY: "" }, 1, /no administration key/],
    [["accounts", "list"], { THROUGHLINE_URL: "http://127.0.0.1:9" }, 1, /cannot be reached/],
    [["accounts", "list"], { THROUGHLINE_URL: "/v1" }, 1, /without \/v1/],
    [["requests", "tail", "--status", "nonsense"], {}, 1, /invalid_value/],
    [["audit", "--direct"], { DATABASE_URL: "" }, 1, /needs DATABASE_URL/],
    [["audit", "--direct"], { DATABASE_URL: "postgres://127.0.0.1:9/x" }, 1, /not available: connect ECONNREFUSED/],
  ];
  it("tells what is wrong, with 2 for the command line itself and 1 for all else", async () => {
    await Promise.all(
      wrong.map(async ([args, more, code, message]) => {
        const { THROUGHLINE_URL: address } = more;
        const result = await run(args, address?.startsWith("/") ? { THROUGHLINE_URL: deployment.url + address } : more);
        expect([args, result.code, result.out]).toEqual([args, code, ""]);
        expect(result.err).toMatch(message);
        expect(result.err).not.toMatch(/\n\s+at /);
      }),
    );
  }, 60_000);

  it("--version is the package's", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: "" });
  });

  it("--help answers for every command", async () => {
    const { out } = await run(["--help"]);
    for (const command of [
      "accounts",
      "keys",
      "credits",
      "ledger",
      "usage",
      "requests",
      "export",
      "audit",
      "channels",
      "trail",
    ]) {
      expect(out).toContain(`  ${command}`);
    }
    expect(await run(["keys", "create", "--help"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("--expires <time>"),
    });
  });
});
