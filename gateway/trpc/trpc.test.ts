import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { safeParse, type z } from "zod";
import { ThroughlineError } from "../../shared/errors/error.ts";
import {
  AccountState,
  type AddCreditRequest,
  type CreateKeyRequest,
  LedgerKind,
  type UpdateKeyRequest,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { CredentialRefSchema, type PutChannelRequest } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { parseRequestId } from "../../shared/request-id.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { each, principals, type Stubs, secrets, startTestGateway } from "../testing.ts";
import { appRouter } from "./router.ts";
import { clientOf, failure, type Kind } from "./testing.ts";

const account = {
  accountId: 9_007_199_254_740_993n,
  name: "acme",
  group: "default",
  state: AccountState.ACTIVE,
  balanceNanoUsd: 1_000_000_000_001n,
  createdUnixMs: 1_700_000_000_000n,
};

describe("administration over tRPC", () => {
  const stubs: Stubs = {
    billing: {
      getAccount: unaryHandler(async () => ({ account })),
      listAccounts: unaryHandler(async () => ({ accounts: [account], hasMore: true })),
      createAccount: unaryHandler(() => Promise.reject(new TypeError("secret detail of a bug"))),
      addCredit: unaryHandler(async (request: AddCreditRequest) => ({
        entry: {
          entryId: 5n,
          kind: LedgerKind.TOPUP,
          accountId: request.accountId,
          amountNanoUsd: request.amountNanoUsd,
          actor: request.actor,
          reason: request.reason,
        },
        balanceNanoUsd: request.amountNanoUsd + 1n,
      })),
      createKey: unaryHandler(async ({ key }: CreateKeyRequest) => {
        if (key?.allowedCidrs.includes("nonsense")) {
          throw new ThroughlineError("invalid_value", "key.allowed_cidrs is wrong.", { param: "key.allowed_cidrs" });
        }
        if (key !== undefined) Object.assign(key, { keyId: 77n, prefix: "tl-abc" });
        return { ...(key === undefined ? {} : { key }), secret: "tl-abc-the-secret" };
      }),
      rotateKey: unaryHandler(() =>
        Promise.reject(new ThroughlineError("revoked_api_key", "The API key was revoked.")),
      ),
      updateKey: unaryHandler(async (request: UpdateKeyRequest) => ({
        key: {
          keyId: request.keyId,
          name: JSON.stringify([
            request.scopes,
            request.setScopes,
            request.setAllowedModels,
            String(request.expiresUnixMs),
          ]),
        },
      })),
      listKeys: unaryHandler(() =>
        Promise.reject(new ThroughlineError("rate_limit_exceeded", "Slow down.", { retryAfterMs: 7_000 })),
      ),
      audit: unaryHandler(async () => ({
        checks: [
          { name: "balances equal the sums", checked: 5n, offending: [] },
          { name: "no leaks", checked: 2n, offending: ["row 1"] },
        ],
      })),
    },
    routing: {
      putChannel: unaryHandler(async ({ channel, newCredential }: PutChannelRequest) => {
        const sealed = create(CredentialRefSchema, { source: { case: "sealed", value: new Uint8Array() } });
        if (channel !== undefined && newCredential !== "") channel.credentials.push(sealed);
        return channel === undefined ? {} : { channel };
      }),
    },
  };

  it("speaks of IDs and money in strings", async () => {
    await using gateway = await startTestGateway(stubs);
    const client = clientOf(gateway);
    expect(await client.accounts.get.query({ account_id: "9007199254740993" })).toMatchObject({
      account_id: "9007199254740993",
      balance_usd: "1000.000000001",
      state: "active",
      disconnect_policy: "charge_delivered",
      limits: { requests_per_minute: null },
      created_time: "2023-11-14T22:13:20.000Z",
    });
    expect(await client.accounts.list.query()).toMatchObject({ accounts: [{ name: "acme" }], has_more: true });
    expect(await client.credits.add.mutate({ account_id: "1", amount_usd: "12.5", reason: "paid" })).toMatchObject({
      entry: { kind: "topup", amount_usd: "12.5", actor: principals.cli.keyPrefix, request: null },
      balance_usd: "12.500000001",
    });
    expect(await client.ledger.audit.query()).toEqual({
      sound: false,
      checks: [
        { name: "balances equal the sums", checked: 5, offending: [] },
        { name: "no leaks", checked: 2, offending: ["row 1"] },
      ],
    });
  });

  it("shows a secret once, and changes of a key what is given", async () => {
    await using gateway = await startTestGateway(stubs);
    const client = clientOf(gateway);
    const made = await client.keys.create.mutate({ account_id: "1", kind: "server", scopes: ["chat"] });
    expect(made).toMatchObject({ key_id: "77", kind: "server", scopes: ["chat"], secret: "tl-abc-the-secret" });
    const expires_time = "2026-11-21T10:00:00+02:00";
    const updated = await client.keys.update.mutate({ key_id: "77", scopes: ["chat"], expires_time });
    expect(JSON.parse(updated.name)).toEqual([["chat"], true, false, String(Date.parse(expires_time))]);
    expect(updated).not.toHaveProperty("secret");
    expect(JSON.stringify(gateway.lines)).not.toContain("the-secret");
  });

  it("never gives a channel's credential back", async () => {
    await using gateway = await startTestGateway(stubs);
    const channel = { name: "c", adapter: "openai", base_url: "https://a.example/v1", models: [{ model: "m" }] };
    const put = await clientOf(gateway).channels.put.mutate({ channel, new_credential: "sk-very-secret" });
    expect(put).toMatchObject({ name: "c", credentials: ["sealed"], weight: 1, enabled: true });
    expect(JSON.stringify([put, gateway.lines])).not.toContain("sk-very-secret");
  });

  it("refuses by kind and scope of the key, with the platform's codes", async () => {
    await using gateway = await startTestGateway(stubs);
    const list = (kind: Kind | "unknown") => failure(() => clientOf(gateway, kind).accounts.list.query());
    expect((await list("unknown")).data).toMatchObject({ code: "invalid_api_key", httpStatus: 401 });
    for (const kind of ["api", "server", "user", "narrow"] as const) {
      expect((await list(kind)).data).toMatchObject({ code: "permission_denied", httpStatus: 403 });
    }
    const readOnly = { ...principals.cli, scopes: ["admin.read"] };
    await using other = await startTestGateway({
      billing: { ...stubs.billing, authenticate: each(() => readOnly) },
    });
    const client = clientOf(other);
    await client.accounts.list.query();
    const add = () => client.credits.add.mutate({ account_id: "1", amount_usd: "1", reason: "x" });
    expect((await failure(add)).data).toMatchObject({ code: "permission_denied" });
  });

  it("puts code, status, parameter and request ID into error.data, and the ID on every answer", async () => {
    await using gateway = await startTestGateway(stubs);
    const client = clientOf(gateway);
    const refused: readonly [() => Promise<unknown>, object, RegExp][] = [
      [
        () => client.accounts.get.query({ account_id: "x" }),
        { code: "invalid_value", param: "account_id", httpStatus: 400 },
        /account_id/,
      ],
      [
        () => client.credits.add.mutate({ account_id: "1", amount_usd: "1e3", reason: "x" }),
        { code: "invalid_value", param: "amount_usd" },
        /US dollars/,
      ],
      [
        () => client.credits.add.mutate({ account_id: "1", amount_usd: "-1", reason: "x" }),
        { code: "invalid_value", param: "amount_usd" },
        /amount_usd/,
      ],
      [
        () => client.credits.add.mutate({ account_id: "99999999999999999999", amount_usd: "1", reason: "x" }),
        { code: "invalid_value", param: "account_id" },
        /ID/,
      ],
      [
        () => client.keys.create.mutate({ account_id: "1" } as never),
        { code: "missing_required_field", param: "scopes" },
        /required/,
      ],
      [
        () =>
          client.keys.create.mutate({ account_id: "1", scopes: ["chat"], expires_time: "1970-01-01T01:00:00+01:00" }),
        { code: "invalid_value", param: "expires_time" },
        /after 1970/,
      ],
      // A 401 is for the caller's own key.
      [
        () => client.keys.rotate.mutate({ key_id: "1" }),
        { code: "invalid_value", param: "key_id", httpStatus: 400 },
        /This key was revoked/,
      ],
      [
        () => client.keys.update.mutate({ key_id: "1", expires_time: "1969-12-31T23:59:59Z" }),
        { code: "invalid_value", param: "expires_time" },
        /after 1970/,
      ],
      [
        () => client.keys.create.mutate({ account_id: "1", scopes: ["chat"], allowed_cidrs: ["nonsense"] }),
        { code: "invalid_value", param: "key.allowed_cidrs" },
        /cidrs/,
      ],
      [
        () => client.keys.create.mutate({ account_id: "1", scopes: ["chat"], typo: 1 } as never),
        { code: "invalid_value" },
        /typo/,
      ],
      [
        () => client.accounts.create.mutate({ name: "a" }),
        { code: "internal_error", httpStatus: 500, param: null },
        /^An internal error occurred\.$/,
      ],
      [() => client.keys.list.query(), { code: "rate_limit_exceeded", httpStatus: 429 }, /Slow down/],
      [
        () => (client as never as { nothing: { query(): Promise<unknown> } }).nothing.query(),
        { code: "not_found", httpStatus: 404 },
        /procedure/,
      ],
    ];
    for (const [run, data, message] of refused) {
      const error = await failure(run);
      expect(error.data).toMatchObject(data);
      expect(error.message).toMatch(message);
      expect(parseRequestId(String(error.data.request_id))).toBeDefined();
      expect(JSON.stringify(error)).not.toMatch(/secret detail|stack/);
    }
    const limited = await gateway.call("/trpc/keys.list", undefined, {
      headers: { authorization: `Bearer ${secrets.cli}` },
    });
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
    const fine = await gateway.call("/trpc/ledger.audit", undefined, {
      headers: { authorization: `Bearer ${secrets.cli}` },
    });
    expect([fine.status, fine.headers.get("x-request-id")]).toEqual([200, expect.stringMatching(/^\d+$/)]);
    expect(gateway.lines.filter((line) => line.level === "error")).toHaveLength(1);
  });

  it("tells what fails before tRPC in its form too", async () => {
    await using gateway = await startTestGateway(stubs);
    const headers = { authorization: `Bearer ${secrets.cli}` };
    const cases: readonly [RequestInit & { headers?: Record<string, string> }, number, string][] = [
      [
        { method: "POST", body: "x".repeat(17 * 1024 * 1024), headers: { "content-type": "application/json" } },
        413,
        "request_too_large",
      ],
      [{ method: "POST", body: "a=b", headers: { "content-type": "text/csv" } }, 400, "invalid_value"],
      [{ method: "POST", body: "{", headers: { "content-type": "application/json" } }, 400, "invalid_value"],
    ];
    for (const [init, status, code] of cases) {
      const response = await fetch(`${gateway.url}/trpc/credits.add`, {
        ...init,
        headers: { ...headers, ...init.headers },
      });
      const body = (await response.json()) as { error: { data: object } };
      expect([response.status, body.error.data]).toMatchObject([
        status,
        { code, httpStatus: status, request_id: response.headers.get("request-id") },
      ]);
    }
  });

  it("answers each call of a batch by itself and asks once who calls", async () => {
    let asked = 0;
    await using gateway = await startTestGateway({
      billing: {
        ...stubs.billing,
        authenticate: each(() => {
          asked++;
          return principals.cli;
        }),
      },
    });
    const client = clientOf(gateway, "cli", true);
    const [good, bad] = await Promise.allSettled([client.accounts.list.query(), client.keys.list.query()]);
    expect([good.status, bad.status, asked]).toEqual(["fulfilled", "rejected", 1]);
  });

  it("refuses a batch of more calls than it may answer at once", async () => {
    await using gateway = await startTestGateway(stubs);
    const ask = async (calls: number) => {
      const response = await gateway.call(
        `/trpc/${Array(calls).fill("accounts.list").join(",")}?batch=1&input={}`,
        undefined,
        { headers: { authorization: `Bearer ${secrets.cli}` } },
      );
      return [response.status, await response.text()];
    };
    expect(await ask(20)).toMatchObject([200, expect.stringContaining("acme")]);
    expect(await ask(21)).toMatchObject([400, expect.stringContaining("at most 20 calls")]);
  });
});

it("every list by cursor takes the direction that TanStack Query says with it, and one way alone", () => {
  interface Input {
    readonly def: { readonly innerType?: Input; readonly shape?: Readonly<Record<string, z.ZodType>> };
  }
  /** The shape of a schema of zod; anything else, such as the checks of endpoints, has none. */
  const shapeOf = ({ def }: Partial<Input>): Readonly<Record<string, z.ZodType>> =>
    def?.innerType === undefined ? (def?.shape ?? {}) : shapeOf(def.innerType);
  const procedures = appRouter._def.procedures as unknown as Readonly<Record<string, { _def: { inputs: Input[] } }>>;
  const byCursor = Object.entries(procedures).flatMap(([name, { _def }]) => {
    const shape = Object.assign({}, ..._def.inputs.map(shapeOf)) as Readonly<Record<string, z.ZodType>>;
    return shape.cursor === undefined ? [] : [{ name, direction: shape.direction }];
  });
  expect(byCursor.map(({ name }) => name)).toEqual(expect.arrayContaining(["requests.list", "ledger.list"]));
  for (const { name, direction } of byCursor) {
    const taken = [undefined, "forward", "backward"].map((one) => direction?.safeParse(one).success);
    expect([name, ...taken]).toEqual([name, true, true, false]);
  }
});

describe("texts of inputs", () => {
  /** Every schema of a text in a schema, by its path. Those that read a text otherwise (times, choices) hold their own form. */
  function* textsIn(
    schema: z.core.$ZodType,
    path: string,
  ): Generator<readonly [path: string, schema: z.core.$ZodType]> {
    const def: Readonly<Record<string, unknown>> = { ...schema._zod.def };
    if (def.type === "string") yield [path, schema];
    if (def.type === "object") {
      for (const [name, inner] of Object.entries(def.shape as Record<string, z.core.$ZodType>)) {
        yield* textsIn(inner, `${path}.${name}`);
      }
    }
    for (const name of ["innerType", "in", "element", "valueType"]) {
      if (def[name] !== undefined) yield* textsIn(def[name] as z.core.$ZodType, path);
    }
    for (const option of (def.options ?? []) as z.core.$ZodType[]) yield* textsIn(option, path);
  }

  const procedures = Object.entries(
    appRouter._def.procedures as unknown as Record<string, { _def: { inputs: unknown[] } }>,
  );
  const texts = procedures.flatMap(([name, { _def }]) =>
    _def.inputs.flatMap((input) => (isSchema(input) ? [...textsIn(input, name)] : [])),
  );

  // PostgreSQL would fail over it, whether something is stored or looked for.
  it("hold no NUL, in any procedure", () => {
    expect(texts.length).toBeGreaterThan(60);
    const taken = texts.flatMap(([path, schema]) => (safeParse(schema, "a\0b").success ? [path] : []));
    expect(taken).toEqual([]);
  });

  function isSchema(input: unknown): input is z.core.$ZodType {
    return typeof input === "object" && input !== null && "_zod" in input;
  }
});

describe("docs/http.md", () => {
  it("names every procedure and no other", () => {
    const text = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8").split("## tRPC")[1] ?? "";
    const named = [...text.matchAll(/^\| `(\w+)` \| (`[^|]+) \|/gm)].flatMap(([, router, procedures = ""]) =>
      [...procedures.matchAll(/`(\w+)`/g)].map(([, procedure]) => `${router}.${procedure}`),
    );
    expect(named.sort()).toEqual(Object.keys(appRouter._def.procedures).sort());
  });
});
