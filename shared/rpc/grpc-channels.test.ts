import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, expect, test, vi } from "vitest";
import { createGrpcChannels } from "./grpc-channels.ts";

/** Channels that connect when they are told to, and which of them were closed. */
function watched(maxAgeMs: number) {
  const closed: Client[] = [];
  const opened: Client[] = [];
  const connected = new Map<Client, () => void>();
  const channels = createGrpcChannels(() => {
    const client = new Client("127.0.0.1:1", credentials.createInsecure());
    vi.spyOn(client, "close").mockImplementation(() => void closed.push(client));
    vi.spyOn(client, "waitForReady").mockImplementation((_, told) => void connected.set(client, () => told()));
    opened.push(client);
    return client;
  }, maxAgeMs);
  const connect = (client: Client | undefined) => client !== undefined && connected.get(client)?.();
  return { channels, opened, closed, connect };
}

afterEach(() => vi.useRealTimers());

test("one of age serves until the next one is connected, and closes with its last lease", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const { channels, opened, closed, connect } = watched(60_000);
  const [lane, call] = [channels.lease(), channels.lease()];
  expect(call.client).toBe(lane.client);
  vi.advanceTimersByTime(70_000);
  for (let i = 0; i < 3; i++) {
    const meanwhile = channels.lease();
    expect(meanwhile.client).toBe(lane.client);
    meanwhile.release();
  }
  connect(opened[1]);
  const next = channels.lease();
  expect(next.client).not.toBe(lane.client);
  expect(opened).toEqual([lane.client, next.client]);
  call.release();
  call.release();
  expect(closed).toEqual([]);
  lane.release();
  expect(closed).toEqual([lane.client]);
  next.release();
  expect(closed).toEqual([lane.client]);
});

test("a peer that leaves brings the next one, once, and not where it is fresh", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const { channels, opened, closed } = watched(60_000);
  const [one, other] = [channels.lease(), channels.lease()];
  one.leaving();
  expect(channels.lease().client).toBe(one.client);
  vi.advanceTimersByTime(2_000);
  one.leaving();
  other.leaving();
  const next = channels.lease();
  expect(opened).toEqual([one.client, next.client]);
  vi.advanceTimersByTime(2_000);
  other.leaving();
  expect(channels.lease().client).toBe(next.client);
  channels.close();
  expect(closed).toEqual(opened);
});

test("a peer that leaves while the next one connects takes the place of both", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const { channels, opened, closed, connect } = watched(60_000);
  const old = channels.lease();
  vi.advanceTimersByTime(70_000);
  channels.lease().release();
  old.leaving();
  expect(channels.lease().client).toBe(opened[2]);
  expect(closed).toEqual([opened[1]]);
  connect(opened[1]);
  expect(channels.lease().client).toBe(opened[2]);
});
