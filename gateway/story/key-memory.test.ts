import { expect, it } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type {
  AuthenticateItem,
  Principal,
  Reservation,
  ReserveItem,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { each, principals, startTestGateway } from "../testing.ts";

const hello = { model: "m", messages: [{ role: "user", content: "Hello" }] };

/** A gateway whose key has a secret of generation 7, until `refuse` says why Reserve refuses it. */
async function startRemembering() {
  const state = {
    authenticated: 0,
    generations: [] as number[],
    refuse: undefined as ThroughlineError | undefined,
    expiresUnixMs: 0n,
  };
  const gateway = await startTestGateway({
    billing: {
      authenticate: each<AuthenticateItem, Principal>(() => {
        state.authenticated++;
        return { ...principals.api, secretGeneration: 7, expiresUnixMs: state.expiresUnixMs };
      }),
      reserve: each<ReserveItem, Reservation>((item) => {
        state.generations.push(item.secretGeneration);
        if (state.refuse !== undefined) throw state.refuse;
        return { reservedNanoUsd: 1_000n };
      }),
    },
  });
  const ask = async () => {
    const response = await gateway.call("/v1/chat/completions", hello);
    await response.text();
    return response.status;
  };
  return { gateway, state, ask };
}

it("tells Reserve which secret it was shown, of a key that it remembers too", async () => {
  const { gateway, state, ask } = await startRemembering();
  await using _ = gateway;
  expect([await ask(), await ask()]).toEqual([200, 200]);
  expect(state).toMatchObject({ authenticated: 1, generations: [7, 7] });
});

it.each([
  ["forgets a key that Reserve refuses", "revoked_api_key", 401, 2],
  ["remembers a key that lacks credit", "insufficient_quota", 402, 1],
] as const)("%s", async (_what, code, status, authenticated) => {
  const { gateway, state, ask } = await startRemembering();
  await using _ = gateway;
  expect(await ask()).toBe(200);
  state.refuse = new ThroughlineError(code, "No.");
  expect(await ask()).toBe(status);
  state.refuse = undefined;
  expect(await ask()).toBe(200);
  expect(state.authenticated).toBe(authenticated);
});

it.each([
  ["asks anew after a key that has expired since", -1, 2],
  ["remembers a key that expires later", 60_000, 1],
] as const)("%s", async (_what, inMs, authenticated) => {
  const { gateway, state, ask } = await startRemembering();
  await using _ = gateway;
  state.expiresUnixMs = BigInt(Date.now() + inMs);
  expect([await ask(), await ask()]).toEqual([200, 200]);
  expect(state.authenticated).toBe(authenticated);
});
