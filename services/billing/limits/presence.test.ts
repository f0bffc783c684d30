import { expect, test } from "vitest";
import { createPresence, type Presence } from "./presence.ts";

/** A dependency whose answers are given by hand. */
function byHand() {
  const told: string[] = [];
  const asked: PromiseWithResolvers<string>[] = [];
  const probes: PromiseWithResolvers<void>[] = [];
  let probed = Promise.withResolvers<void>();
  const presence = createPresence({
    probeEveryMs: 1,
    onAway: () => told.push("away"),
    onBack: () => told.push("back"),
    probe() {
      const answer = Promise.withResolvers<void>();
      probes.push(answer);
      probed.resolve();
      return answer.promise;
    },
  });
  return {
    presence,
    told,
    asked,
    probes,
    ask: (of: Presence = presence) =>
      of.use(() => {
        const answer = Promise.withResolvers<string>();
        asked.push(answer);
        return answer.promise;
      }),
    async nextProbe() {
      await probed.promise;
      probed = Promise.withResolvers<void>();
    },
  };
}

test("what does not answer is tried by one: all who wait are released with it, and those after it do not ask", async () => {
  const { presence, told, asked, probes, ask, nextProbe } = byHand();
  const all = [1, 2, 3].map(() => ask());
  asked[1]?.reject(new Error("no answer in time"));
  for (const one of all) await expect(one).rejects.toThrow("no answer in time");
  await expect(ask()).rejects.toThrow("no answer in time");
  expect(asked).toHaveLength(3);
  // An answer that comes after all is dropped: nobody waits for it any more.
  asked[0]?.resolve("late");
  asked[2]?.reject(new Error("late too"));
  await nextProbe();
  probes[0]?.reject(new Error("still nothing"));
  await nextProbe();
  expect(probes).toHaveLength(2);
  expect(told).toEqual(["away"]);
  await expect(ask()).rejects.toThrow("no answer in time");
  probes[1]?.resolve();
  await new Promise(setImmediate);
  expect(told).toEqual(["away", "back"]);
  const now = ask();
  asked[3]?.resolve("here");
  expect(await now).toBe("here");
  presence.close();
});

test("a probe that is out when it closes tells nobody", async () => {
  const { presence, told, probes, nextProbe } = byHand();
  presence.lost(new Error("gone"));
  presence.lost(new Error("gone again"));
  await nextProbe();
  presence.close();
  probes[0]?.resolve();
  await new Promise(setImmediate);
  expect(told).toEqual(["away"]);
});
