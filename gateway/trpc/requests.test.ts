import { create } from "@bufbuild/protobuf";
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from "@trpc/client";
import { describe, expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type {
  AuthenticateItem,
  ListKeysRequest,
  Principal,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type ExportRecordsRequest,
  type GetRecordRequest,
  type GetTimeseriesRequest,
  type ListRecordsRequest,
  RecordStatus,
  type StoredRecord,
  StoredRecordSchema,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { firstIdAt } from "../../shared/request-id.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { each, principals, secrets, startTestGateway } from "../testing.ts";
import type { AppRouter } from "./router.ts";
import { clientOf, failure } from "./testing.ts";

describe("records over tRPC", () => {
  const record = (requestId: bigint, status: RecordStatus, model = "m"): StoredRecord =>
    create(StoredRecordSchema, {
      record: { requestId, accountId: 1n, keyId: 11n, status, model, response: Buffer.from('{"a":1}') },
    });

  it("shows administration everybody's and others their own", async () => {
    const asked: ListRecordsRequest[] = [];
    await using gateway = await startTestGateway({
      history: {
        listRecords: unaryHandler(async (request: ListRecordsRequest) => {
          asked.push(request);
          return { records: [record(5n, RecordStatus.FAILED)], nextCursor: 5n };
        }),
      },
    });
    const filter = { statuses: ["failed" as const], from: "2026-01-01T00:00:00Z", id_text: "76" };
    for (const kind of ["cli", "api", "server", "user"] as const) {
      const page = await clientOf(gateway, kind).requests.list.query({
        filter,
        limit: 7,
        cursor: "9",
        with_payload: kind === "cli",
      });
      expect(page).toMatchObject({ requests: [{ id: "5", status: "failed" }], next_cursor: "5" });
      expect(page.details).toHaveLength(kind === "cli" ? 1 : 0);
    }
    await clientOf(gateway).requests.list.query({ filter: { account_id: "3" } });
    await clientOf(gateway, "api").requests.list.query({ filter: { account_id: "3" } });
    expect(asked.map(({ owner }) => [owner?.operator, owner?.accountId, owner?.keyId, owner?.userId])).toEqual([
      [true, 0n, 0n, ""],
      [false, 1n, 11n, ""],
      [false, 1n, 0n, ""],
      [false, 1n, 0n, "user-7"],
      [false, 3n, 0n, ""],
      [false, 1n, 11n, ""],
    ]);
    expect(asked[0]).toMatchObject({
      cursor: 9n,
      limit: 7,
      filter: { statuses: [RecordStatus.FAILED], fromUnixMs: 1_767_225_600_000n, idText: "76" },
    });
    // An end in 1970 is no end to history, which would give all there is.
    for (const to of ["1970-01-01T00:00:00Z", "1969-01-01T00:00:00Z", "1970-01-01T00:00:01Z"])
      await clientOf(gateway).requests.list.query({ filter: { to } });
    expect(asked.slice(-3).map(({ filter }) => filter?.toUnixMs)).toEqual([1n, 1n, 1_000n]);
    expect((await failure(() => clientOf(gateway, "narrow").requests.list.query())).data.code).toBe(
      "permission_denied",
    );
  });

  it("writes several lists into one answer, alone, beside others and line by line", async () => {
    const texts = ['{"a":"\\"0123456789abcdef0\\" $1 $& 你好"}', '{"b":[1,2]}'];
    const stored = texts.map((text, index) =>
      create(StoredRecordSchema, {
        record: {
          requestId: BigInt(index + 5),
          status: RecordStatus.SUCCEEDED,
          response: Buffer.from(text.repeat(2_000)),
        },
      }),
    );
    await using gateway = await startTestGateway({
      history: {
        listRecords: unaryHandler(async ({ limit }: ListRecordsRequest) => {
          if (limit === 99) throw new ThroughlineError("invalid_value", "no", { param: "limit" });
          return { records: stored.slice(0, limit), nextCursor: 0n };
        }),
        exportRecords: unaryHandler(async () => ({ records: stored.slice(1), nextCursor: "c", more: true })),
      },
    });
    const links = [httpLink, httpBatchLink, httpBatchStreamLink];
    for (const link of links) {
      const client = createTRPCClient<AppRouter>({
        links: [link({ url: `${gateway.url}/trpc`, headers: { authorization: `Bearer ${secrets.cli}` } })],
      });
      const [whole, one, refused, exported] = await Promise.all([
        client.requests.list.query({ with_payload: true, limit: 2 }),
        client.requests.list.query({ limit: 1 }),
        failure(() => client.requests.list.query({ limit: 99 })),
        client.requests.export.query(),
      ]);
      expect(whole.details.map(({ response }) => response)).toEqual(texts.map((text) => text.repeat(2_000)));
      expect(whole.requests.map(({ id }) => id)).toEqual(["5", "6"]);
      expect(one).toMatchObject({ requests: [{ id: "5" }], details: [], next_cursor: null });
      expect(refused.data).toMatchObject({ code: "invalid_value", param: "limit" });
      expect(exported).toMatchObject({ requests: [{ id: "6" }], next_cursor: "c", more: true });
    }
  });

  it("asks for a key's records by its account, which billing knows, and only where nobody has named one", async () => {
    const asked: [string, bigint | undefined, boolean | undefined, bigint | undefined][] = [];
    const note = (method: string, { owner, filter }: Pick<ListRecordsRequest, "owner" | "filter">) => {
      asked.push([method, owner?.accountId, owner?.operator, filter?.keyId]);
    };
    const keys = new Map([
      [11n, 4n],
      [13n, 5n],
    ]);
    await using gateway = await startTestGateway({
      billing: {
        listKeys: unaryHandler(async ({ accountId, afterKeyId, limit }: ListKeysRequest) => {
          expect(accountId).toBe(0n);
          const after = [...keys].filter(([keyId]) => keyId > afterKeyId).slice(0, limit);
          return { keys: after.map(([keyId, accountId]) => ({ keyId, accountId })) };
        }),
      },
      history: {
        listRecords: unaryHandler(async (request: ListRecordsRequest) => {
          note("list", request);
          return { records: [], nextCursor: 0n };
        }),
        exportRecords: unaryHandler(async (request: ExportRecordsRequest) => {
          note("export", request);
          return { records: [], nextCursor: "", more: false };
        }),
        getTimeseries: unaryHandler(async (request: GetTimeseriesRequest) => {
          note("series", request);
          return { points: [] };
        }),
      },
    });
    const client = clientOf(gateway);
    await client.requests.list.query({ filter: { key_id: "13" } });
    await client.requests.export.query({ filter: { key_id: "11" } });
    const [from, to] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
    await client.usage.timeseries.query({ from, to, filter: { key_id: "13" } });
    await client.requests.list.query({ filter: { key_id: "12" } });
    await client.requests.list.query({ filter: { key_id: "14" } });
    await client.requests.list.query({ filter: { key_id: "13", account_id: "9" } });
    await clientOf(gateway, "server").requests.list.query({ filter: { key_id: "13" } });
    expect(asked).toEqual([
      ["list", 5n, false, 13n],
      ["export", 4n, false, 11n],
      ["series", 5n, false, 13n],
      ["list", 0n, true, 12n],
      ["list", 0n, true, 14n],
      ["list", 9n, false, 13n],
      ["list", 1n, false, 13n],
    ]);
  });

  it("says what was used of every unit, at which rates, and takes a module for a filter", async () => {
    const asked: ListRecordsRequest[] = [];
    const stored = create(StoredRecordSchema, {
      record: {
        requestId: 5n,
        module: Module.IMAGE,
        usage: {
          inputTokens: 50n,
          more: [{ unit: Unit.OUTPUT_IMAGE_TOKENS, amount: 1_056n }],
          traits: { size: "1024x1024" },
        },
        pricing: {
          inputNanoUsdPerMtok: 5_000_000_000n,
          groupRatioPpm: 1_500_000,
          rates: [
            { unit: Unit.OUTPUT_IMAGE_TOKENS, nanoUsd: 40_000_000_000n },
            {
              ...{ unit: Unit.INPUT_TOKENS, nanoUsd: 1n },
              when: { aboveInputTokens: 200_000n, traits: { service_tier: "flex" } },
            },
          ],
        },
      },
    });
    await using gateway = await startTestGateway({
      history: {
        listRecords: unaryHandler(async (request: ListRecordsRequest) => {
          asked.push(request);
          return { records: [stored] };
        }),
        getRecord: unaryHandler(async () => ({ record: stored })),
      },
    });
    const { requests } = await clientOf(gateway).requests.list.query({ filter: { module: "image" } });
    const life = await clientOf(gateway).requests.get.query({ id: "5" });
    const overHttp = await (await gateway.call("/v1/requests/5")).json();
    expect(asked[0]?.filter?.module).toBe(Module.IMAGE);
    for (const shown of [requests[0], life, overHttp]) {
      expect(shown).toMatchObject({
        module: "image",
        usage: {
          ...{ input_tokens: 50, output_tokens: 0, images: 0 },
          quantities: { input_tokens: 50, output_image_tokens: 1_056 },
          traits: { size: "1024x1024" },
        },
        billing: {
          group_ratio: 1.5,
          rates: [
            { unit: "input_tokens", usd: "5", per: 1_000_000, when: null },
            { unit: "output_image_tokens", usd: "40", per: 1_000_000, when: null },
            {
              ...{ unit: "input_tokens", usd: "0.000000001", per: 1_000_000 },
              when: { above_input_tokens: 200_000, traits: { service_tier: "flex" } },
            },
          ],
        },
      });
    }
  });

  it("follows new records, also late ones, and running ones to their end", async () => {
    const rows = new Map<bigint, StoredRecord>();
    const put = (id: bigint, status: RecordStatus = RecordStatus.SUCCEEDED) => rows.set(id, record(id, status));
    const base = firstIdAt(Date.now() + 60_000);
    await using gateway = await startTestGateway({
      history: {
        listRecords: unaryHandler(async ({ cursor, limit }: ListRecordsRequest) => {
          const after = [...rows.keys()]
            .filter((id) => id > cursor)
            .sort((a, b) => (a < b ? -1 : 1))
            .slice(0, limit);
          return {
            records: after.flatMap((id) => rows.get(id) ?? []),
            nextCursor: after.length === limit ? (after.at(-1) ?? 0n) : 0n,
          };
        }),
        getRecord: unaryHandler(async ({ requestId }: GetRecordRequest) => {
          const found = rows.get(requestId);
          if (found === undefined) throw new ThroughlineError("not_found", "gone");
          return { record: found };
        }),
      },
    });
    const got: string[] = [];
    const waitFor = (...wanted: string[]) => vi.waitFor(() => expect(got).toEqual(wanted), { timeout: 5_000 });
    const client = clientOf(gateway, "api");
    const started = Promise.withResolvers<void>();
    const subscription = client.requests.tail.subscribe(undefined, {
      onStarted: () => started.resolve(),
      onData: ({ data }) => got.push(`${BigInt(data.id) - base} ${data.status}`),
    });
    await started.promise;
    put(base + 2n);
    put(base + 3n, RecordStatus.PROCESSING);
    await waitFor("2 succeeded", "3 processing");
    put(base + 1n);
    await waitFor("2 succeeded", "3 processing", "1 succeeded");
    put(base + 3n, RecordStatus.FAILED);
    await waitFor("2 succeeded", "3 processing", "1 succeeded", "3 failed");
    subscription.unsubscribe();
    await vi.waitFor(() => expect(gateway.lines.some((line) => line.route === "/trpc/*")).toBe(true));
  });

  it("gives a client that comes back what came late while it was away", async () => {
    const last = firstIdAt(Date.now() - 60_000);
    const late = last - 1n;
    await using gateway = await startTestGateway({
      history: {
        listRecords: unaryHandler(async ({ cursor }: ListRecordsRequest) => ({
          records: cursor < late ? [record(late, RecordStatus.SUCCEEDED)] : [],
        })),
      },
    });
    const response = await gateway.call("/trpc/requests.tail?input={}", undefined, {
      headers: { authorization: `Bearer ${secrets.api}`, "last-event-id": last.toString() },
    });
    const events = response.body?.pipeThrough(new TextDecoderStream());
    let text = "";
    for await (const part of events ?? []) {
      text += part;
      if (text.includes("succeeded")) break;
    }
    // The place to go on from does not go back with a record that was late.
    expect(text).toMatch(new RegExp(`"id":"${late}"[\\s\\S]*id: ${last}\n`));
  });

  it("ends a subscription whose key was revoked meanwhile", async () => {
    let revoked = false;
    await using gateway = await startTestGateway({
      history: { listRecords: unaryHandler(async () => ({})) },
      billing: {
        authenticate: each<AuthenticateItem, Principal>(() => {
          if (revoked) throw new ThroughlineError("revoked_api_key", "The API key was revoked.");
          return principals.api;
        }),
      },
    });
    const response = await gateway.call("/trpc/requests.tail?input={}");
    revoked = true;
    expect(await response.text()).toMatch(/event: connected[\s\S]*event: serialized-error\ndata: .*revoked_api_key/);
  });

  it("ends subscriptions when the gateway stops, so that clients connect again", async () => {
    const gateway = await startTestGateway(
      { history: { listRecords: unaryHandler(async () => ({})) } },
      { shutdownGraceMs: 10_000 },
    );
    const response = await gateway.call("/trpc/requests.tail?input={}");
    const started = performance.now();
    const rest = response.text();
    await gateway[Symbol.asyncDispose]();
    expect(await rest).toMatch(
      /event: connected[\s\S]*event: serialized-error\ndata: .*"code":-32603.*service_unavailable/,
    );
    expect(await rest).not.toContain("event: return");
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
