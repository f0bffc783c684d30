import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type {
  CreateKeyRequest,
  ListKeysRequest,
  RotateKeyRequest,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { principals, type Stubs, secrets, startTestGateway } from "../testing.ts";
import { appRouter } from "./router.ts";
import { clientOf, failure } from "./testing.ts";
import { targetOf, valuesOf } from "./trail-values.ts";

describe("a change by an administration key", () => {
  const billing = {
    createKey: unaryHandler(async ({ key }: CreateKeyRequest) => {
      if (key !== undefined) key.keyId = 77n;
      return { ...(key === undefined ? {} : { key }), secret: "tl-abcdef-the-secret" };
    }),
    listKeys: unaryHandler(async () => ({ keys: [{ keyId: 5n, name: "as it was" }] })),
    revokeKey: unaryHandler(() => Promise.reject(new ThroughlineError("not_found", "There is no such key."))),
  } satisfies Stubs["billing"];

  it("is in the trail before it is made, with its values, and then with its outcome", async () => {
    await using gateway = await startTestGateway({ billing });
    const client = clientOf(gateway);
    await client.keys.create.mutate({ account_id: "1", name: "for ci", scopes: ["chat"] });
    const { keyId: actorKeyId, keyPrefix: actor, accountId: actorAccountId } = principals.cli;
    const asked = { procedure: "keys.create", actorKeyId, actor, actorAccountId, address: "127.0.0.1", call: 0 };
    expect(gateway.administered).toMatchObject([
      { ...asked, target: "1", outcome: "", valuesJson: '{"account_id":"1","name":"for ci","scopes":["chat"]}' },
      { ...asked, target: "1", outcome: "done", valuesJson: "", beforeJson: "" },
    ]);
    expect(JSON.parse(gateway.administered[1]?.afterJson ?? "")).toMatchObject({ key_id: "77", secret: "[hidden]" });
    const [first, second] = gateway.administered.map(({ requestId }) => requestId);
    expect(first).toBe(second);
    expect(first).toBeGreaterThan(0n);
    expect((await failure(() => client.keys.revoke.mutate({ key_id: "5" }))).data.code).toBe("not_found");
    expect(gateway.administered.slice(2)).toMatchObject([
      { procedure: "keys.revoke", target: "5", outcome: "" },
      { procedure: "keys.revoke", target: "5", outcome: "not_found" },
    ]);
    const told = gateway.administered.map(({ valuesJson, target, beforeJson, afterJson }) => [
      valuesJson,
      target,
      beforeJson,
      afterJson,
    ]);
    expect(JSON.stringify(told)).not.toContain("the-secret");
    expect(JSON.parse(gateway.administered[2]?.beforeJson ?? "")).toMatchObject({ key_id: "5", name: "as it was" });
  });

  it("is not made where it cannot be entered", async () => {
    let made = 0;
    await using gateway = await startTestGateway({
      billing: {
        createKey: unaryHandler(async () => {
          made += 1;
          return {};
        }),
        recordAdministration: unaryHandler(() => Promise.reject(new ThroughlineError("service_unavailable", "Away."))),
      },
    });
    const told = await failure(() => clientOf(gateway).keys.create.mutate({ account_id: "1", scopes: ["chat"] }));
    expect([told.data.code, made]).toEqual(["service_unavailable", 0]);
  });

  it("has each call of a batch numbered; reads, and what users do with their own, leave nothing", async () => {
    const history = {
      deleteRecords: unaryHandler(async () => ({ deleted: 1 })),
      listRecords: unaryHandler(async () => ({ records: [], nextCursor: 0n })),
    } satisfies Stubs["history"];
    await using gateway = await startTestGateway({ billing, history });
    const batched = clientOf(gateway, "cli", true);
    await Promise.all(["1", "2"].map((account_id) => batched.keys.create.mutate({ account_id, scopes: ["chat"] })));
    const begun = gateway.administered.filter(({ outcome }) => outcome === "");
    expect(begun.map(({ call, target }) => [call, target]).toSorted()).toEqual([
      [0, "1"],
      [1, "2"],
    ]);
    const before = gateway.administered.length;
    await clientOf(gateway).requests.list.query();
    await clientOf(gateway, "api").requests.list.query({ with_payload: true });
    await clientOf(gateway, "api").requests.delete.mutate({ request_ids: ["1"] });
    expect(gateway.administered).toHaveLength(before);
    await clientOf(gateway).requests.delete.mutate({ request_ids: ["1"] });
    expect(gateway.administered.slice(before)).toMatchObject([{ procedure: "requests.delete" }, { outcome: "done" }]);
  });

  it("is not alone in the trail: what an administration key reads of what others asked and were answered is there, too", async () => {
    let given = 0;
    const history = {
      getRecord: unaryHandler(async () => {
        given += 1;
        return { record: { record: { requestId: 9n, accountId: 1n } } };
      }),
      listRecords: unaryHandler(async () => ({ records: [], nextCursor: 0n })),
    } satisfies Stubs["history"];
    await using gateway = await startTestGateway({ history });
    await clientOf(gateway).requests.get.query({ id: "9" });
    await clientOf(gateway, "api").requests.get.query({ id: "9" });
    expect(gateway.administered).toMatchObject([{ procedure: "requests.get", target: "9", outcome: "read" }]);
    await using refusing = await startTestGateway({
      history,
      billing: {
        recordAdministration: unaryHandler(() => Promise.reject(new ThroughlineError("service_unavailable", "Away."))),
      },
    });
    const before = given;
    const told = await failure(() => clientOf(refusing).requests.get.query({ id: "9" }));
    expect([told.data.code, given]).toEqual(["service_unavailable", before]);
  });
});

describe("a key of any kind that rotates itself", () => {
  it("asks billing for its own successor, and leaves a trail about itself without what would give the secret again", async () => {
    const asked: RotateKeyRequest[] = [];
    await using gateway = await startTestGateway({
      billing: {
        listKeys: unaryHandler(async ({ afterKeyId }: ListKeysRequest) => ({ keys: [{ keyId: afterKeyId + 1n }] })),
        rotateKey: unaryHandler(async (request: RotateKeyRequest) => {
          asked.push(request);
          return { key: { keyId: request.keyId }, secret: "tl-abcdef-the-secret", oldSecretsEndUnixMs: 5n };
        }),
      },
    });
    const kinds = ["api", "server", "user", "cli"] as const;
    for (const kind of kinds) {
      const rotated = await clientOf(gateway, kind).me.rotate.mutate({ idempotency_key: "once-1" });
      expect(rotated).toMatchObject({
        secret: "tl-abcdef-the-secret",
        old_secrets_end_time: "1970-01-01T00:00:00.005Z",
      });
    }
    await clientOf(gateway, "api").me.rotate.mutate();
    expect(
      asked.map(({ keyId, accountId, overlapMs, idempotencyKey }) => [keyId, accountId, overlapMs, idempotencyKey]),
    ).toEqual(
      [...kinds.map((kind) => [kind, "once-1"] as const), ["api", ""] as const].map(([kind, idempotencyKey]) => {
        const { keyId, accountId } = principals[kind];
        return [keyId, accountId, 86_400_000n, idempotencyKey];
      }),
    );
    expect(asked.map(({ ownSecretSha256 }) => Buffer.from(ownSecretSha256).toString("hex"))).toEqual(
      [...kinds, "api" as const].map((kind) => hash("sha256", secrets[kind])),
    );
    expect(
      gateway.administered.map(({ procedure, actorKeyId, target, outcome }) => [
        procedure,
        actorKeyId,
        target,
        outcome,
      ]),
    ).toEqual(
      [...kinds, "api" as const].flatMap((kind) => {
        const { keyId } = principals[kind];
        return ["", "done"].map((outcome) => ["me.rotate", keyId, keyId.toString(), outcome]);
      }),
    );
    expect(JSON.parse(gateway.administered[0]?.beforeJson ?? "")).toMatchObject({
      key_id: principals.api.keyId.toString(),
    });
    const told = JSON.stringify(gateway.administered.map(({ valuesJson, afterJson }) => [valuesJson, afterJson]));
    expect(told).not.toMatch(/the-secret|once-1/);
    for (const input of [{ overlap_ms: -1 }, { overlap_ms: 2_592_000_001 }, { idempotency_key: "" }, { key_id: "5" }]) {
      const refused = await failure(() => clientOf(gateway, "api").me.rotate.mutate(input as object));
      expect(["invalid_value", "unknown_parameter", "invalid_request"]).toContain(refused.data.code);
    }
  });
});

describe("every procedure that changes something", () => {
  const changes = Object.entries(appRouter._def.procedures)
    .filter(([, procedure]) => Reflect.get(Object(Reflect.get(procedure, "_def")), "type") === "mutation")
    .map(([name]) => name);
  /** The procedures that left an event when a key called each with nothing: it is entered before the input is looked at. */
  const trailOf = async (kind: "cli" | "api", names: readonly string[]) => {
    await using gateway = await startTestGateway();
    const headers = { authorization: `Bearer ${secrets[kind]}`, "content-type": "application/json" };
    const refused: string[] = [];
    for (const name of names) {
      const { status } = await gateway.call(`/trpc/${name}`, {}, { headers });
      if (status === 403) refused.push(name);
    }
    return { refused, entered: new Set(gateway.administered.map(({ procedure }) => procedure)) };
  };

  it("leaves a row when an administration key calls it, or is not for such keys", async () => {
    const { refused, entered } = await trailOf("cli", changes);
    expect([...entered].toSorted()).toEqual(changes.filter((name) => !refused.includes(name)).toSorted());
    // Procedures that call models are refused to this key: an administration key pays for no model.
    for (const name of refused) expect(name).toMatch(/^\w+\.create$|^videos\.delete$/);
    expect(entered.size).toBeGreaterThan(15);
  });

  it("leaves one whoever changes a key by itself", async () => {
    const ofSelf = changes.filter((name) => name.startsWith("me."));
    const { refused, entered } = await trailOf("api", ofSelf);
    expect([ofSelf.length > 0, refused, [...entered].toSorted()]).toEqual([true, [], ofSelf.toSorted()]);
  });
});

describe("what the trail keeps of an input", () => {
  // What is asked for is entered before it is checked, so it may hold any text that JSON can say.
  it.each(["a\0b", "\0", "half \ud800", `${"x".repeat(199)}\u{1f600}`])(
    "names a target that can be kept: %j",
    (name) => {
      const target = targetOf({ name });
      expect(target).not.toMatch(/\0/);
      expect([target.isWellFormed(), target.length <= 200, target === ""]).toEqual([true, true, false]);
    },
  );

  it("is what was asked for without secrets, and bounded", () => {
    const input = {
      channel: {
        name: "mine",
        base_url: "https://user:hunter22@host.example/v1?key=0123456789abcdef",
        headers: { "x-vendor": "plain-looking" },
        flavour: { note: "sk-0123456789abcdef0123" },
      },
      new_credential: "plain-looking",
      request_ids: ["1"],
    };
    const kept = valuesOf(input);
    expect(JSON.parse(kept)).toMatchObject({
      channel: { name: "mine" },
      new_credential: "[hidden]",
      request_ids: ["1"],
    });
    expect(kept).not.toMatch(/plain-looking|hunter22|0123456789abcdef/);
    expect(JSON.parse(valuesOf({ note: "x".repeat(100_000) }))).toEqual({ omitted_bytes: 100_011 });
    expect(valuesOf(undefined)).toBe("null");
    expect([targetOf(input), targetOf({ key_id: "5", account_id: "1" }), targetOf([]), targetOf(null)]).toEqual([
      ...["mine", "5", "", ""],
    ]);
  });
});
