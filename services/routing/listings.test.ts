import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { call, eventually, startTestRouting } from "./testing-server.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

const listed = (...names: string[]) => names.map((name) => ({ name, createdUnixS: 1_780_000_000n, endsOn: "" }));
const env = { OPENAI_API_KEY: "k", VOYAGE_API_KEY: "k", ROUTING_POLL_MS: "50ms" };

test("a list is read by one replica at a time, kept over restarts, and read again when it is due", async () => {
  let nowMs = Date.UTC(2026, 10, 21);
  const deps = { nowMs: () => nowMs };
  const namesOf = async (one: Awaited<ReturnType<typeof startTestRouting>>) =>
    (await one.listModels({ group: "default" }, call)).models.map(({ name }) => name);
  {
    await using one = await startTestRouting(postgres.url, env, deps);
    await using two = await startTestRouting(postgres.url, env, deps);
    // Voyage has no list of its own.
    const claims = await Promise.all([one, two, one, two].map((replica) => replica.claimListings({}, call)));
    expect(claims.flatMap(({ channels }) => channels)).toEqual(["openai"]);
    const before = (await one.getChannels({ knownVersion: 0n }, call)).version;
    await one.reportListing({ channel: "openai", models: listed("gpt-5.6-sol-2027-01-01", "a b", "") }, call);
    expect(await namesOf(one)).toContain("gpt-5.6-sol-2027-01-01");
    await eventually(async () => expect(await namesOf(two)).toContain("gpt-5.6-sol-2027-01-01"));
    const { models } = await one.listModels({ group: "default" }, call);
    expect(models.find(({ name }) => name === "gpt-5.6-sol-2027-01-01")).toMatchObject({
      createdUnixS: 1_780_000_000n,
    });
    expect(models.find(({ name }) => name === "gpt-4o")).toMatchObject({ endsOn: "2027-01-14" });
    const after = (await one.getChannels({ knownVersion: 0n }, call)).version;
    expect(after).toBeGreaterThan(before);
    // The same again is no change, and a failure takes nothing away.
    await two.reportListing({ channel: "openai", models: listed("", "gpt-5.6-sol-2027-01-01") }, call);
    await two.reportListing({ channel: "openai", failure: "no answer" }, call);
    expect((await one.getChannels({ knownVersion: 0n }, call)).version).toBe(after);
    await expect(one.reportListing({ channel: "voyage", models: [] }, call)).rejects.toMatchObject({
      code: "invalid_value",
    });
    expect((await two.claimListings({}, call)).channels).toEqual([]);
    nowMs += 600_001;
    expect((await two.claimListings({}, call)).channels).toEqual(["openai"]);
  }
  await using again = await startTestRouting(postgres.url, env, deps);
  expect(await namesOf(again)).toContain("gpt-5.6-sol-2027-01-01");
  // Nothing came of the last claim: after two minutes somebody else asks.
  expect((await again.claimListings({}, call)).channels).toEqual([]);
  nowMs += 120_001;
  expect((await again.claimListings({}, call)).channels).toEqual(["openai"]);
});

test("another address is another server: its list is due at once, and the old one says nothing of it", async () => {
  await using own = await testPostgres();
  {
    await using one = await startTestRouting(own.url, env);
    await one.claimListings({}, call);
    await one.reportListing({ channel: "openai", models: listed("gpt-5.6-sol-2027-01-01") }, call);
  }
  await using moved = await startTestRouting(own.url, { ...env, OPENAI_BASE_URL: "http://127.0.0.1:1/v1" });
  const { models } = await moved.listModels({ group: "default" }, call);
  expect(models.map(({ name }) => name)).not.toContain("gpt-5.6-sol-2027-01-01");
  expect((await moved.claimListings({}, call)).channels).toEqual(["openai"]);
});

test('a channel entered at run time may serve "*", and shows it as it was entered', async () => {
  await using own = await testPostgres();
  await using one = await startTestRouting(own.url);
  const channel = {
    name: "mine",
    adapter: "openai",
    baseUrl: "http://127.0.0.1:2/v1",
    groups: ["*"],
    weight: 1,
    enabled: true,
  };
  const put = await one.putChannel({ channel: { ...channel, models: [{ model: "*" }] } }, call);
  expect(put.channel?.models).toMatchObject([{ model: "*" }]);
  expect((await one.claimListings({}, call)).channels).toEqual(["mine"]);
  await one.reportListing({ channel: "mine", models: listed("gpt-4o") }, call);
  expect(await one.channelsOf("gpt-4o")).toEqual(["mine"]);
  if (put.channel === undefined) throw new Error("nothing was stored");
  expect((await one.putChannel({ channel: put.channel }, call)).channel?.models).toEqual(put.channel.models);
});

test("lists that are switched off are not asked for", async () => {
  await using own = await testPostgres();
  await using one = await startTestRouting(own.url, { ...env, MODEL_LIST_EVERY_MS: "0" });
  expect((await one.claimListings({}, call)).channels).toEqual([]);
});
