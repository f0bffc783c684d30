import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import type { Configuration } from "../domain/types.ts";
import { configurationOf } from "../testing.ts";
import { applyConfiguration, readLoaded, readState } from "./configuration.ts";
import { openDatabase, type RoutingDatabase } from "./open.ts";
import { deleteRuntimeChannel, putRuntimeChannel } from "./runtime-channels.ts";

let postgres: TestPostgres;
let db: RoutingDatabase;
const open = () => openDatabase({ url: postgres.url, maxConnections: 4, migrate: true, log: silentLog });
const example = readFileSync(new URL("../../../deploy/throughline.example.yaml", import.meta.url), "utf8");

beforeAll(async () => {
  postgres = await testPostgres();
});
beforeEach(async () => {
  db = await open();
});
afterEach(async () => {
  await db.close();
});
afterAll(async () => {
  await postgres.stop();
});

const channel = (name: string, models: string) =>
  `channels: [{ name: ${name}, adapter: openai, base_url: "http://x", models: [${models}], flavour: { deep: [1, { a: null }] } }]`;
const sorted = ({ groups, strategies, models, channels, aliases }: Configuration) => ({
  groups: byKey(groups, ({ name }) => name),
  strategies: byKey(strategies, ({ key }) => key),
  models: byKey(models, ({ name }) => name),
  channels: byKey(channels, ({ name }) => name),
  aliases,
});
const byKey = <T>(list: readonly T[], key: (item: T) => string) => list.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));

describe("a configuration", () => {
  test("is read as it was stored, to the last nano-dollar", async () => {
    const prices = `strategies: [{ name: odd, prices: { input: "999999.999999999", output: "0.000000001" } }]\n`;
    for (const text of [example, prices + channel("a", "gpt-4o")]) {
      const configuration = configurationOf(text, { simulatorUrl: "http://127.0.0.1:1", env: { OPENAI_API_KEY: "k" } });
      const { version } = await applyConfiguration(db, configuration, "test");
      const state = await readState(db);
      expect(state.version).toBe(version);
      expect(sorted(state.configuration)).toEqual(sorted(configuration));
      for (const { name } of configuration.models) expect(state.firstSeen.get(name)).toBeInstanceOf(Date);
    }
  });

  test("that three replicas load at once becomes one version", async () => {
    const replicas = await Promise.all([open(), open(), open()]);
    const configuration = configurationOf(channel("race", "gpt-4o"));
    const before = (await readState(db)).version;
    const applied = await Promise.all(replicas.map((replica) => applyConfiguration(replica, configuration, "race")));
    expect(applied.filter(({ changed }) => changed)).toHaveLength(1);
    expect(new Set(applied.map(({ version }) => version))).toEqual(new Set([before + 1n]));
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  test("is never seen half, nor empty, while others change it", async () => {
    const configurations = [channel("one", "gpt-4o"), channel("two", "gpt-4o, gpt-4")].map((text) =>
      configurationOf(text),
    );
    const [first] = configurations;
    if (first === undefined) throw new Error("no configuration");
    await applyConfiguration(db, first, "start");
    const before = (await readState(db)).version;
    const writers = await Promise.all([open(), open()]);
    let changes = 0n;
    let done = false;
    const writing = Promise.all(
      writers.map(async (writer, w) => {
        for (let i = 0; i < 12; i++) {
          const configuration = configurations[(i + w) % 2];
          if (configuration === undefined) continue;
          if ((await applyConfiguration(writer, configuration, `writer ${w}`)).changed) changes++;
          const { channels } = configuration;
          const [extra] = channels;
          if (extra === undefined) continue;
          await putRuntimeChannel(writer, `extra-${w}`, () => ({
            channel: { ...extra, name: `extra-${w}`, weight: i },
            strategies: [],
          }));
          changes++;
          if (i % 4 === 3 && (await deleteRuntimeChannel(writer, `extra-${w}`))) changes++;
        }
      }),
    ).finally(() => {
      done = true;
    });
    const versions: bigint[] = [];
    while (!done) {
      const { configuration, version } = await readState(db);
      versions.push(version);
      const [only] = configuration.channels;
      expect(configuration.channels).toHaveLength(1);
      expect(only?.models).toHaveLength(only?.name === "one" ? 1 : 2);
      expect(configuration.models).toHaveLength(first.models.length);
    }
    await writing;
    expect(versions).toEqual(versions.toSorted((a, b) => Number(a - b)));
    expect((await readState(db)).version).toBe(before + changes);
    await Promise.all(writers.map((writer) => writer.close()));
  });

  test("of long ago is forgotten, the current one never", async () => {
    for (let i = 0; i < 25; i++) await applyConfiguration(db, configurationOf(channel(`c${i}`, "gpt-4o")), "test");
    const { total } = await db.kysely
      .selectFrom("configuration")
      .select((eb) => eb.fn.countAll<bigint>().as("total"))
      .executeTakeFirstOrThrow();
    expect(total).toBe(20n);
    // Versions that only change run-time channels do not push the configuration out.
    const [only] = (await readState(db)).configuration.channels;
    if (only === undefined) throw new Error("no channel");
    for (let i = 0; i < 25; i++) await putRuntimeChannel(db, "extra", () => ({ channel: only, strategies: [] }));
    expect((await readState(db)).configuration.channels).toHaveLength(1);
    // Nor do they take away what the next one is compared with.
    await applyConfiguration(db, configurationOf(channel("next", "gpt-4o")), "test");
    const [next] = await readLoaded(db, { after: 0n, before: 0n, limit: 1 });
    expect([next?.before, next?.configuration].map((one) => one?.channels[0]?.name)).toEqual(["c24", "next"]);
  });
});

test("a channel entered at run time keeps the prices that the table gave", async () => {
  const { channels, strategies } = configurationOf(channel("t", "gpt-4o"));
  const [only] = channels;
  const price = strategies.find(({ key }) => key === only?.models[0]?.tableKey);
  if (only === undefined || price === undefined) throw new Error("no channel");
  await putRuntimeChannel(db, "t", () => ({ channel: only, strategies: [price] }));
  const { runtimeChannels } = await readState(db);
  expect(runtimeChannels.find(({ channel: { name } }) => name === "t")).toEqual({ channel: only, strategies: [price] });
});
