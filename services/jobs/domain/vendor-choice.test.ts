import { expect, test } from "vitest";
import { createCandidate } from "../../../shared/gen/lane_codecs.ts";
import { vendorChannelOf } from "./vendor-choice.ts";

const own = (channel: string) => createCandidate({ channel, upstreamModel: "m" });
const by = (channel: string, upstreamModel = "m", oneModel = true) =>
  createCandidate({ channel, upstreamModel, batch: { oneModel, mostLines: 10, mostBytes: 1_000n } });

test.each([
  ["none has batches", [[own("a")]], 1, undefined],
  ["one has", [[own("a"), by("b")]], 10, "b"],
  ["it has more lines than the vendor takes", [[by("b")]], 11, undefined],
  ["two routes share one", [[by("a"), by("b")], [by("b")]], 1, "b"],
  [
    "the first of several",
    [
      [by("b"), by("a")],
      [by("a"), by("b")],
    ],
    1,
    "b",
  ],
  ["none serves all", [[by("a")], [by("b")]], 1, undefined],
  ["one serves all and has no batches for some", [[by("a")], [own("a")]], 1, undefined],
  ["another model where one is wanted", [[by("a")], [by("a", "n")]], 1, undefined],
  ["another model where several may be", [[by("a", "m", false)], [by("a", "n", false)]], 1, "a"],
  ["no line can be run", [], 1, undefined],
])("%s", (_what, routes, lines, channel) => {
  expect(
    vendorChannelOf(
      routes.map((candidates) => ({ candidates })),
      lines,
    ),
  ).toBe(channel);
});
