import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { nextPollMs } from "../../services/jobs/domain/poll-pace.ts";
import { statement } from "../../shared/db/index.ts";
import { administer, expectSoundBooks } from "../e2e/administration.ts";
import { eventually } from "../e2e/deployment.ts";
import { startRoles } from "./roles.ts";

/*
 * Many jobs on two processes of jobs, of which one is killed: no job is asked after sooner than the floor, none later than
 * twice its interval, and those of the dead one go on within 15 seconds. By hand, for it is about times: JOBS=1000.
 */

const count = Number(process.env.JOBS ?? 0);
const pace = { firstMs: 2_000, maxMs: 5_000, floorMs: 0 };
const takenOverWithinMs = 15_000;
const open = statement("job_pace_open", "select count(*)::int as n from jobs.job where phase < 4");
const ended = statement("job_pace_ended", "select count(*)::int as n from jobs.job where state = 4 and phase = 4");

test.skipIf(count === 0)(
  `${count} jobs on two workers, one of which is killed`,
  async () => {
    await using roles = await startRoles({
      JOBS_FIRST_POLL: `${pace.firstMs}ms`,
      JOBS_MAX_POLL: `${pace.maxMs}ms`,
      // All are jobs of one channel, whose own pace is tried elsewhere.
      JOBS_CHANNEL_POLLS_PER_SECOND: "5000",
      RESERVATION_TTL_MS: "60s",
      LOG_LEVEL: "error",
    });
    // A thousand videos are held at the dearest that they may cost.
    await administer(roles).credits.add.mutate({ account_id: "1", amount_usd: "100000", reason: "many videos" });
    const second = spawn(process.execPath, ["services/jobs/main.ts"], {
      env: roles.envOf("jobs", { GRPC_PORT: "0" }),
      stdio: ["ignore", "ignore", "inherit"],
    });
    const asked = new Map<string, number[]>();
    const seen = new Set<string>();
    const collect = () => {
      for (const { id, method, path, receivedAtMs } of roles.simulator.requests) {
        const job = /\/videos\/(video_[^/]+)$/.exec(path)?.[1];
        if (method !== "GET" || job === undefined || seen.has(id)) continue;
        seen.add(id);
        asked.set(job, [...(asked.get(job) ?? []), receivedAtMs]);
      }
    };
    // The simulator remembers its last requests only.
    const collecting = setInterval(collect, 50);
    let begun = 0;
    const clients = Array.from({ length: 20 }, async () => {
      while (begun < count) {
        begun += 1;
        const body = { model: "video/sim-job-run-40000", prompt: "a cat", seconds: "4" };
        const response = await roles.call("/v1/videos", body);
        await response.arrayBuffer();
        expect(response.status).toBe(200);
      }
    });
    await Promise.all(clients);
    await eventually(() => (asked.size === count ? true : undefined), 60_000);
    const killedAtMs = performance.timeOrigin + performance.now();
    second.kill("SIGKILL");
    await eventually(async () => {
      collect();
      const [left] = await roles.db.query<{ n: number }>(open, []);
      return left?.n === 0 ? true : undefined;
    }, 180_000);
    clearInterval(collecting);
    const gaps = [...asked.values()].flatMap((times) =>
      times.slice(1).map((at, n) => ({
        from: times[n] ?? 0,
        ms: at - (times[n] ?? 0),
        mostMs: 2 * nextPollMs({ polls: n + 1, failedPolls: 0 }, pace, 1),
      })),
    );
    const shortest = Math.min(...gaps.map(({ ms }) => ms));
    // The provider still asks what the dead one had told it to, a moment later.
    const spans = (gap: (typeof gaps)[number]) => gap.from <= killedAtMs + 500 && gap.from + gap.ms >= killedAtMs;
    const late = gaps.filter((gap) => !spans(gap) && gap.ms > gap.mostMs);
    const longestOver = Math.max(...gaps.filter(spans).map(({ from, ms }) => from + ms - killedAtMs));
    const [all] = await roles.db.query<{ n: number }>(ended, []);
    process.stdout.write(
      `${all?.n} jobs ended, ${gaps.length} gaps: shortest ${shortest.toFixed(0)} ms, ${late.length} too late, ` +
        `longest over the kill ${longestOver.toFixed(0)} ms\n`,
    );
    expect(all?.n).toBe(count);
    expect(asked.size).toBe(count);
    // The answer of a poll takes some of the time; the wait begins when it was noted.
    expect(shortest).toBeGreaterThanOrEqual(pace.firstMs - 5);
    expect(late).toEqual([]);
    expect(longestOver).toBeLessThanOrEqual(takenOverWithinMs);
    await expectSoundBooks(roles, 90_000);
  },
  600_000,
);
