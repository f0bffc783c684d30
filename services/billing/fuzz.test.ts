import type { UnknownEnum } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { auditLines, createPayer, type Payer, startReplica, type TestBilling } from "./testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
let payer: Payer;
const options = { timeoutMs: 30_000 };

/** Keys that are refused now and then, or always. */
const keyIds: bigint[] = [];

beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
  const { client } = billing;
  payer = await createPayer(client, { creditNanoUsd: 200_000n });
  const { accountId } = payer;
  const common = { accountId, kind: KeyKind.API, scopes: ["*"] };
  for (const key of [
    { limits: { requestsPerMinute: 5 } },
    { limits: { tokensPerMinute: 9_000n } },
    { limits: { concurrentRequests: 2, dailyBudgetNanoUsd: 5_000n } },
    { scopes: ["chat"] },
    { expiresUnixMs: 1n },
    {},
  ]) {
    const made = await client.createKey({ key: { ...common, ...key } }, options);
    keyIds.push(made.key?.keyId ?? 0n);
  }
  await client.revokeKey({ keyId: keyIds.at(-1) ?? 0n }, options);
});
afterAll(async () => {
  expect(await auditLines(billing.client)).toEqual([]);
  await billing.stop();
  await postgres.stop();
});

/** Mostly what may pass, at times anything: each field may spoil an item, few do. */
const mostly = <T>(fit: fc.Arbitrary<T>, wild: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 24, arbitrary: fit }, { weight: 1, arbitrary: wild });
const small = fc.bigInt({ min: 0n, max: 1_000n });
const int64 = mostly(small, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const uint64 = mostly(small, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const uint32 = mostly(fc.nat({ max: 50 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const text = mostly(
  fc.constantFrom("model", "a", "b", "'; drop table billing.ledger; --", '%s{}[],"\\', "\ud800", "\u{1f680}"),
  fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constantFrom("", "\0", "x".repeat(600))),
);
const bytes = mostly(
  fc.constantFrom(1, 2).map((fill) => new Uint8Array(32).fill(fill)),
  fc.uint8Array({ maxLength: 40 }),
);
const enumeration = mostly(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 9 })).map((number) => number as UnknownEnum);

const usage = fc.record(
  {
    inputTokens: uint64,
    cachedInputTokens: uint64,
    cacheWriteTokens: uint64,
    outputTokens: uint64,
    reasoningTokens: uint64,
    images: uint64,
    audioMs: uint64,
    characters: uint64,
    estimated: fc.boolean(),
  },
  { requiredKeys: [] },
);
const pricing = fc.record(
  {
    strategy: text,
    inputNanoUsdPerMtok: int64,
    outputNanoUsdPerMtok: int64,
    reasoningNanoUsdPerMtok: int64,
    imageNanoUsd: int64,
    audioSecondNanoUsd: int64,
    requestNanoUsd: int64,
    groupRatioPpm: uint32,
    source: enumeration,
  },
  { requiredKeys: [] },
);
const limits = fc.record(
  {
    requestsPerMinute: uint32,
    tokensPerMinute: uint64,
    concurrentRequests: uint32,
    dailyBudgetNanoUsd: int64,
    monthlyBudgetNanoUsd: int64,
  },
  { requiredKeys: [] },
);
/** Mostly what is there, else anything. */
const known = (value: () => bigint) => mostly(fc.constant(undefined), int64).map((id) => id ?? value());
const accountId = known(() => payer.accountId);
const keyId = mostly(
  fc.nat({ max: 8 }).map((i) => keyIds[i] ?? payer.keyId),
  int64,
);

const reserveItem = fc.record(
  {
    accountId,
    keyId,
    userId: text,
    module: enumeration,
    model: text,
    pricing,
    worstCase: usage,
    idempotencyKey: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, text),
    idempotencyDigest: bytes,
    dialect: text,
    secretGeneration: mostly(fc.constantFrom(0, 1), uint32),
  },
  { requiredKeys: ["accountId", "keyId", "pricing", "worstCase", "module", "idempotencyDigest"] },
);
const settleItem = fc.record(
  {
    accountId,
    case: enumeration,
    usage,
    pricing,
    policy: enumeration,
    facts: fc.record(
      {
        keyId,
        userId: text,
        module: enumeration,
        model: text,
        channel: text,
        platform: text,
        errorCode: text,
        group: text,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["accountId", "case", "usage", "pricing"] },
);
const key = fc.record(
  {
    accountId,
    name: text,
    kind: enumeration,
    userId: text,
    scopes: fc.array(fc.oneof(text, fc.constantFrom("*", "chat", "admin.read")), { maxLength: 3 }),
    allowedModels: fc.array(text, { maxLength: 3 }),
    allowedCidrs: fc.array(fc.oneof(text, fc.ipV4(), fc.ipV6()), { maxLength: 3 }),
    group: text,
    limits,
    expiresUnixMs: int64,
  },
  { requiredKeys: [] },
);
const account = fc.record(
  {
    name: text,
    group: text,
    state: enumeration,
    creditFloorNanoUsd: int64,
    disconnectPolicy: enumeration,
    storeResponse: enumeration,
    limits,
  },
  { requiredKeys: [] },
);

const refusals = new Set([
  "invalid_value",
  "invalid_api_key",
  "insufficient_quota",
  "permission_denied",
  "not_found",
  "idempotency_conflict",
  "idempotency_mismatch",
  "rate_limit_exceeded",
  "concurrent_limit_exceeded",
  "revoked_api_key",
  "expired_api_key",
]);

const seen = new Map<string, number>();

/** The catalogue's code; anything that is not a refusal of ours fails the test, above all an internal_error. */
async function outcome(call: Promise<unknown>): Promise<void> {
  const note = (code: string) => seen.set(code, (seen.get(code) ?? 0) + 1);
  try {
    await call;
    note("ok");
  } catch (error) {
    const { code, message } = ThroughlineError.from(error);
    note(code);
    expect(refusals, message).toContain(code);
    expect(message).not.toMatch(/\bsql\b|relation|violates|constraint|undefined|\[object/i);
  }
}

const runs = { numRuns: 100, seed: 3 };
const batch = <T>(item: fc.Arbitrary<T>) => fc.array(fc.tuple(uint64, item), { minLength: 10, maxLength: 30 });

test("whatever is reserved, settled or authenticated gives an answer or a refusal of the catalogue", async () => {
  const { client } = billing;
  await fc.assert(
    fc.asyncProperty(batch(reserveItem), batch(settleItem), fc.array(bytes), async (reserves, settles, secrets) => {
      await Promise.all([
        ...reserves.map(([requestId, item]) => outcome(client.reserve.call(item, { ...options, requestId }))),
        ...settles.map(([requestId, item]) => outcome(client.settle.call(item, { ...options, requestId }))),
        ...reserves.map(([requestId], i) => {
          const item = settles[i]?.[1] ?? { accountId: payer.accountId };
          return outcome(client.settle.call(item, { ...options, requestId }));
        }),
        ...secrets.map((secretSha256) => outcome(client.authenticate.call({ secretSha256 }, options))),
      ]);
    }),
    runs,
  );
});

test("whatever is administered gives an answer or a refusal of the catalogue", async () => {
  const { client } = billing;
  const cursor = fc.oneof(
    text,
    bytes.map((each) => Buffer.from(each).toString("base64url")),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        enumeration,
        account,
        key,
        id: int64,
        other: accountId,
        text,
        int64,
        uint64,
        uint32,
        bytes,
        cursor,
        limits,
        requestIds: fc.array(uint64),
      }),
      async (odd) => {
        // Other keys and accounts than those that the test above wears out.
        const own = { ...odd.key, keyId: odd.id + 1_000n, accountId: 0n };
        await Promise.all([
          outcome(client.createAccount({ account: odd.account }, options)),
          outcome(client.updateAccount({ ...odd.account, accountId: odd.id + 1_000n }, options)),
          outcome(client.getAccount({ accountId: odd.int64, name: odd.text }, options)),
          outcome(client.listAccounts({ afterAccountId: odd.int64, limit: odd.uint32 }, options)),
          outcome(client.createKey({ key: odd.key, secret: odd.text }, options)),
          outcome(
            client.updateKey({ ...own, setScopes: true, setAllowedCidrs: true, setAllowedModels: true }, options),
          ),
          outcome(client.rotateKey({ keyId: odd.id + 1_000n, overlapMs: odd.uint64, accountId: odd.int64 }, options)),
          outcome(client.revokeKey({ keyId: odd.id + 1_000n, accountId: odd.int64 }, options)),
          outcome(client.listKeys({ accountId: odd.int64, afterKeyId: odd.id, limit: odd.uint32 }, options)),
          outcome(
            client.listLedger(
              { accountId: odd.int64, entryId: odd.uint64, cursor: odd.cursor, limit: odd.uint32 },
              options,
            ),
          ),
          outcome(
            client.sumUsage(
              { accountId: odd.int64, fromUnixMs: odd.id, toUnixMs: odd.int64, by: odd.enumeration },
              options,
            ),
          ),
          outcome(client.extend({ requestIds: odd.requestIds }, options)),
          outcome(client.getAnswer({ requestId: odd.uint64, accountId: odd.int64 }, options)),
          outcome(
            client.storeAnswer(
              {
                requestId: odd.uint64,
                httpStatus: odd.uint32,
                contentType: odd.text,
                body: odd.bytes,
                forget: odd.id < 0n,
              },
              options,
            ),
          ),
          outcome(
            client.addCredit(
              {
                accountId: odd.other,
                amountNanoUsd: odd.int64,
                actor: odd.text,
                reason: odd.text,
                reference: odd.text,
                adjustment: odd.id < 0n,
              },
              options,
            ),
          ),
        ]);
      },
    ),
    { numRuns: 150, seed: 4 },
  );
});

test("the fuzz reached what lies behind the door", () => {
  const counts = Object.fromEntries(["ok", ...refusals].map((code) => [code, seen.get(code) ?? 0]));
  expect(counts).toEqual(
    Object.fromEntries(Object.keys(counts).map((code) => [code, expect.toSatisfy((n: number) => n > 0)])),
  );
});
