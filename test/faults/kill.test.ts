import { afterAll, beforeAll, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { adminKey, expectSoundBooks } from "../e2e/administration.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";
import { judge } from "./judge.ts";
import { startLoad } from "./load.ts";

/*
 * kill -9 of each of the five processes under a mixed load. Afterwards ledger and history are judged by what the clients
 * saw. KILLS: how often each process is killed (2); LOAD: requests a second (60).
 */

const roles = ["gateway", "provider-adapter", "billing", "history", "routing"];
const kills = Number(process.env.KILLS ?? 2);
const perSecond = Number(process.env.LOAD ?? 60);

const unfinished = statement(
  "kill_unfinished",
  `select u.request_id from history.unfinished u
   where not exists (select from history.record r where r.request_id = u.request_id) limit 20`,
);
const unrecorded = statement(
  "kill_unrecorded",
  `select l.entry_id from billing.ledger l
   where l.kind in (1, 2) and not exists (select from history.record r where r.request_id = l.entry_id) limit 20`,
);

let house: Deployment;
beforeAll(async () => {
  house = await startDeployment("mesh", {
    THROUGHLINE_ADMIN_KEY: adminKey,
    // Long enough for a service that is killed to come back on a busy machine, short enough to see the sweeper work.
    RESERVATION_TTL_MS: "20s",
    SWEEP_INTERVAL_MS: "500ms",
    RECONCILE_LAG_MS: "5s",
    RECONCILE_INTERVAL_MS: "500ms",
    PROCESSING_AFTER_MS: "20ms",
    LOG_LEVEL: "warn",
  });
}, 90_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

async function ready(): Promise<void> {
  await eventually(async () => {
    const response = await house.call("/readyz").catch(() => undefined);
    return response?.ok ? true : undefined;
  }, 30_000);
}

/** Waits until a statement finds nothing any more. */
async function none(what: typeof unfinished): Promise<void> {
  await eventually(async () => ((await house.db.query(what, [])).length === 0 ? true : undefined), 60_000);
}

test(
  "whoever is killed under load: each answer that a client has is charged once, and no record contradicts its client",
  async () => {
    const load = startLoad(house, perSecond);
    await load.more(20);
    for (let turn = 0; turn < kills; turn += 1) {
      for (const role of roles) {
        const pid = house.pid(role);
        process.kill(pid, "SIGKILL");
        await eventually(() => (house.pid(role) !== pid ? true : undefined));
        await ready();
        await load.more(perSecond);
      }
    }
    await load.stop();
    await none(unrecorded);
    await none(unfinished);
    await expectSoundBooks(house, 60_000);
    const { acknowledged, judged, faults } = await judge(house.db, load.seen);
    process.stdout.write(
      `${kills} kills of each process, ${perSecond}/s: ${acknowledged} whole answers of ${judged} requests judged\n`,
    );
    expect(faults).toEqual([]);
    expect(acknowledged).toBeGreaterThan(kills * roles.length * perSecond * 0.5);
  },
  120_000 + kills * 120_000,
);
