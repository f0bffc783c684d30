import { create } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";

import { ThroughlineError } from "../../shared/errors/error.ts";
import {
  type GetChannelsResponse,
  GetChannelsResponseSchema,
  type RoutingService,
} from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { createLog } from "../../shared/log.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import { type Channels, followChannels } from "./channels.ts";

let channels: Channels | undefined;
afterEach(() => channels?.stop());

/** Follows a routing that answers when and what it is told to. */
function follow(env: Readonly<Record<string, string>> = {}) {
  const asked: ((answer: GetChannelsResponse | Promise<never>) => void)[] = [];
  const getChannels = () => new Promise<GetChannelsResponse>((resolve) => asked.push(resolve));
  const routing: Pick<ServiceClient<typeof RoutingService>, "getChannels"> = { getChannels };
  channels = followChannels(routing, {
    env,
    pollMs: 60_000,
    log: createLog({ service: "test", level: "silent" }),
    unseal: () => "",
  });
  return { asked, channels };
}

/** What routing answers at a version: each channel at an address that tells the version. */
function at(version: bigint, ...names: readonly string[]): GetChannelsResponse {
  return create(GetChannelsResponseSchema, {
    version,
    channels: names.map((name) => ({ name, adapter: "openai", baseUrl: `http://v${version}/v1` })),
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a newer configuration is asked for anew where an older one is on its way", async () => {
  const { asked, channels } = follow();
  const changed = channels.find("a", 2n);
  const added = channels.find("b", 2n);
  expect(asked).toHaveLength(1);
  asked[0]?.(at(1n, "a"));
  await turn();
  expect(asked).toHaveLength(2);
  asked[1]?.(at(2n, "a", "b"));
  expect((await changed).origin).toBe("http://v2");
  expect((await added).origin).toBe("http://v2");
});

test("a routing that lags behind is asked twice, not for ever; what is known serves", async () => {
  const { asked, channels } = follow();
  const found = channels.find("a", 2n);
  for (let time = 0; time < 3; time += 1) {
    asked[time]?.(at(1n, "a"));
    await turn();
  }
  expect((await found).origin).toBe("http://v1");
  expect(asked).toHaveLength(2);
});

test("a routing that hangs is waited for once: then what is known serves, and it is asked by one", async () => {
  const { asked, channels } = follow();
  const late = () => Promise.reject(new ThroughlineError("upstream_timeout", "late"));
  asked[0]?.(at(1n, "a"));
  await turn();
  const waiting = [channels.find("a", 2n), channels.find("a", 2n)];
  await turn();
  expect(asked).toHaveLength(2);
  asked[1]?.(late());
  await turn();
  // One of them had joined the other's question, and asks anew.
  asked[2]?.(late());
  for (const found of waiting) expect((await found).origin).toBe("http://v1");
  const before = asked.length;
  const next = await Promise.all(Array.from({ length: 5 }, () => channels.find("a", 2n)));
  expect(next.map(({ origin }) => origin)).toEqual(Array(5).fill("http://v1"));
  expect(asked.length - before).toBe(1);
  const unknown = channels.find("unknown", 2n);
  asked.at(-1)?.(late());
  await expect(unknown).rejects.toMatchObject({ code: "upstream_timeout" });
});

test.each([
  ["ID:SECRET:TOKEN?", { ID: "a", SECRET: " b ", TOKEN: "c" }, "a:b:c"],
  ["ID:SECRET:TOKEN?", { ID: "a", SECRET: "b", TOKEN: "" }, "a:b"],
  ["ID:SECRET:TOKEN?", { ID: "a", TOKEN: "c" }, undefined],
  ["ID", { ID: "a:b" }, "a:b"],
  // No header can hold these.
  ["ID", { ID: "\u201ca\u201d" }, undefined],
  ["ID", { ID: "a\nb" }, undefined],
  ["ID:SECRET", { ID: "a", SECRET: "b\u00a0c" }, undefined],
])("a credential of several variables, %s of %j", async (value, env, expected) => {
  const { asked, channels } = follow(env);
  const found = channels.find("a", 1n);
  const channel = {
    name: "a",
    adapter: "openai",
    baseUrl: "http://x",
    credentials: [{ source: { case: "env" as const, value } }],
  };
  const answer = create(GetChannelsResponseSchema, { version: 1n, channels: [channel] });
  asked[0]?.(answer);
  await turn();
  // A channel that is lacking still is asked for once more.
  asked[1]?.(answer);
  // One that lacks a part, or holds what cannot be sent, is not opened.
  if (expected === undefined) await expect(found).rejects.toMatchObject({ code: "service_unavailable" });
  else expect((await found).credentials).toEqual([expected]);
});
