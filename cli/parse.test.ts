import { afterEach, describe, expect, it, vi } from "vitest";
import { time, timeToCome } from "./parse.ts";

const dayMs = 86_400_000;
/** Days from now. */
const daysOff = (text: string) => (Date.parse(text) - Date.now()) / dayMs;

describe("times on the command line", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("reads a length as ago where one looks back, and as to come where something will end", () => {
    expect(daysOff(time("30d"))).toBeCloseTo(-30, 3);
    expect(daysOff(timeToCome("30d"))).toBeCloseTo(30, 3);
    expect(timeToCome("2999-01-01")).toBe("2999-01-01T00:00:00.000Z");
  });

  it.each(["UTC", "Asia/Kolkata", "America/New_York"])(
    "reads a time without a zone as UTC on a machine in %s",
    (zone) => {
      vi.stubEnv("TZ", zone);
      for (const text of ["2026-10-25", "2026-10-25T00:00", "2026-10-25 00:00:00", "2026-10-25T02:00:00.000+0200"]) {
        expect([text, time(text)]).toEqual([text, "2026-10-25T00:00:00.000Z"]);
      }
    },
  );

  it("refuses an end that is past", () => {
    expect(() => timeToCome("2020-01-01")).toThrow("That is past");
    expect(() => timeToCome("0d")).toThrow("That is past");
  });

  it("refuses days that the calendar does not have", () => {
    expect(time("2024-02-29")).toBe("2024-02-29T00:00:00.000Z");
    expect(time("2026-11-21T23:30:00-01:00")).toBe("2026-11-22T00:30:00.000Z");
    for (const text of [
      "2026-11-31",
      "2026-02-29",
      "2026-13-01",
      "2026-11-21x",
      "yesterday",
      "10",
      "2026-11-21 10:00 (noon)",
      "2026-11-21 EST",
      "2026-11-21T10",
    ]) {
      expect(() => time(text), text).toThrow("how long ago");
    }
  });
});
