import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { auditLines, codeOf, createPayer, nextRequestId, reserve, startReplica, type TestBilling } from "./testing.ts";

let postgres: TestPostgres;
let replicas: TestBilling[];
const options = { timeoutMs: 15_000 };

beforeAll(async () => {
  postgres = await testPostgres();
  replicas = await Promise.all([1, 2, 3].map(() => startReplica(postgres.url)));
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await postgres.stop();
});

function pick(i: number): TestBilling["client"] {
  const replica = replicas[i % replicas.length];
  if (replica === undefined) throw new Error("no replica");
  return replica.client;
}

/** Generations that work: the newest, and those before it whose overlap is not over. */
interface Working {
  readonly oldest: number;
  readonly newest: number;
}

function rotated({ oldest, newest }: Working, overlaps: boolean): Working {
  return { oldest: overlaps ? oldest : newest + 1, newest: newest + 1 };
}

/** What Reserve may say, by what worked for certain when it was called and what may have worked when it answered. */
function allowedCodes(generation: number, before: Working, after: Working): string[] {
  const refused = generation < before.oldest || generation > after.newest;
  const good = generation >= after.oldest && generation <= before.newest;
  return [...(refused ? [] : ["ok"]), ...(good ? [] : ["revoked_api_key"])];
}

/** True: the old secret overlaps for longer than anything here takes. */
const rotations = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
/** Batches of callers in turn, each by how many generations it is behind what it could know of. */
const callers = fc.array(fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 1, maxLength: 4 }), {
  minLength: 4,
  maxLength: 12,
});

test("whenever a key is rotated, the next Reserve of any replica knows, and no good secret is refused", {
  timeout: 60_000,
}, async () => {
  const seen = { ok: 0, revoked_api_key: 0, certain: 0 };
  await fc.assert(
    fc.asyncProperty(rotations, fc.array(callers, { minLength: 1, maxLength: 3 }), async (turns, lanes) => {
      const payer = await createPayer(pick(0));
      let sure: Working = { oldest: 1, newest: 1 };
      let possible = sure;
      const rotateInTurn = async () => {
        for (const [i, overlaps] of turns.entries()) {
          possible = rotated(sure, overlaps);
          await pick(i).rotateKey({ keyId: payer.keyId, overlapMs: overlaps ? 3_600_000n : 0n }, options);
          sure = possible;
        }
      };
      const callAs = async (i: number, behind: number) => {
        const before = sure;
        const secretGeneration = Math.max(1, before.newest - behind);
        const code = await codeOf(reserve(pick(i), payer, 1n, nextRequestId(), { secretGeneration }));
        const allowed = allowedCodes(secretGeneration, before, possible);
        expect(allowed).toContain(code);
        seen[code === "ok" ? "ok" : "revoked_api_key"] += 1;
        if (allowed.length === 1) seen.certain += 1;
      };
      const callInTurn = async (lane: number, batches: readonly (readonly number[])[]) => {
        for (const [i, batch] of batches.entries()) {
          await Promise.all(batch.map((behind) => callAs(lane + i, behind)));
        }
      };
      await Promise.all([rotateInTurn(), ...lanes.map((batches, lane) => callInTurn(lane, batches))]);
    }),
    { numRuns: 60, seed: 20_261_122 },
  );
  // Both answers were given often, and most of them could not have been another.
  expect(Math.min(seen.ok, seen.revoked_api_key)).toBeGreaterThan(300);
  expect(seen.certain).toBeGreaterThan((seen.ok + seen.revoked_api_key) / 2);
  expect(await auditLines(pick(0))).toEqual([]);
});
