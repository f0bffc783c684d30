import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ChannelSchema } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { channelOf, readChannelNote, writeChannelNote } from "./channel-note.ts";
import { credentialMark } from "./domain/credential-mark.ts";
import { createNotedChannels } from "./noted-channels.ts";
import type { OpenChannel } from "./open-channel.ts";

const secrets: Readonly<Record<string, string>> = { KEY_A: "sk-secret-a", KEY_B: "sk-secret-b" };

/** A channel as it is opened: the environment has what its credentials name. */
function channel(of: { url?: string; adapter?: string; keys?: readonly string[] } = {}): OpenChannel {
  const { url = "https://a.example/v1", adapter = "openai", keys = ["KEY_A"] } = of;
  const configured = create(ChannelSchema, {
    ...{ name: "video", adapter, baseUrl: url, flavourJson: "{}", requestIdHeader: "x-id" },
    headers: { "x-organisation": "o", authorization: "Bearer sk-secret-h", "X-Api-Key": "sk-secret-k" },
    credentials: keys.map((value) => ({ source: { case: "env" as const, value } })),
  });
  return open(configured);
}

function open(configured: ReturnType<typeof channelOf>): OpenChannel {
  const keys = configured.credentials.map(({ source }) => String(source.value));
  const credentials = keys.map((key) => {
    const secret = secrets[key];
    if (secret === undefined) throw new Error(`${key} is not set`);
    return secret;
  });
  const { name, adapter: adapterName, baseUrl, flavourJson } = configured;
  return {
    ...{ name, adapterName, baseUrl, flavourJson, credentials },
    noteFor: (one: string) => writeChannelNote(configured, configured.credentials[credentials.indexOf(one)]),
  } as unknown as OpenChannel;
}

const noted = (of: OpenChannel, credential: string) => ({
  note: of.noteFor(credential),
  credential: credentialMark(credential),
});
const job = noted(channel(), "sk-secret-a");

test("a note holds no secret, and leads to the same channel again", () => {
  expect(job.note).not.toContain("sk-secret");
  const note = readChannelNote(job.note);
  if (note === undefined) throw new Error("it cannot be read");
  expect(channelOf(note)).toMatchObject({ name: "video", baseUrl: "https://a.example/v1", requestIdHeader: "x-id" });
  expect(Object.keys(channelOf(note).headers)).toEqual(["x-organisation"]);
  const sealed = create(ChannelSchema, { name: "s", adapter: "openai", baseUrl: "https://a.example" });
  const bytes = Buffer.from([1, 2, 255]);
  const text = writeChannelNote(sealed, {
    $typeName: "throughline.routing.v1.CredentialRef",
    source: { case: "sealed", value: bytes },
  });
  const read = readChannelNote(text);
  expect(read && channelOf(read).credentials[0]?.source).toEqual({ case: "sealed", value: bytes });
  for (const odd of ["", "{}", "[]", "null", '{"name":1}']) expect(readChannelNote(odd)).toBeUndefined();
});

const removed = "video.removed";
/** What leads to the job, by the channel of today and by what is in the environment. */
const table: readonly (readonly [
  what: string,
  today: OpenChannel | undefined,
  keys: readonly string[],
  chosen: string,
])[] = [
  ["the channel is as it was", channel(), ["KEY_A", "KEY_B"], "video"],
  ["it was removed", undefined, ["KEY_A"], removed],
  ["it was removed, and its credential too", undefined, [], "nothing"],
  ["it leads elsewhere", channel({ url: "https://b.example/v1" }), ["KEY_A"], removed],
  ["it is another vendor's", channel({ adapter: "kling" }), ["KEY_A"], removed],
  [
    "it is another vendor's, and its credential is gone",
    channel({ adapter: "kling", keys: ["KEY_B"] }),
    ["KEY_B"],
    "nothing",
  ],
  [
    "it leads elsewhere, and its credential is gone",
    channel({ url: "https://b.example/v1", keys: ["KEY_B"] }),
    ["KEY_B"],
    "video",
  ],
  ["it has another account's credential", channel({ keys: ["KEY_B"] }), ["KEY_A", "KEY_B"], removed],
  ["its credential was renewed", channel({ keys: ["KEY_B"] }), ["KEY_B"], "video"],
  ["it has one more credential", channel({ keys: ["KEY_B", "KEY_A"] }), ["KEY_A", "KEY_B"], "video"],
];

test.each(table)("%s", (_what, today, keys, chosen) => {
  const opened = createNotedChannels((configured) => {
    if (!configured.credentials.every(({ source }) => keys.includes(String(source.value)))) throw new Error("not set");
    return open(configured);
  });
  expect(opened.choose(today, job)?.name ?? "nothing").toBe(chosen);
  // A job that was begun before there were notes is asked after by the channel of today, whatever that is.
  expect(opened.choose(today, { note: "", credential: "" })).toBe(today);
});

test("what was opened is kept for a minute, so that its health is, and no longer: its credential may be renewed", () => {
  let opens = 0;
  let nowMs = 0;
  const channels = createNotedChannels(
    (configured) => {
      opens += 1;
      return open(configured);
    },
    () => nowMs,
  );
  expect(channels.choose(undefined, job)).toBe(channels.choose(undefined, job));
  expect(opens).toBe(1);
  nowMs = 61_000;
  channels.choose(undefined, job);
  expect(opens).toBe(2);
  // Any number of notes leaves few open.
  for (let n = 0; n < 100; n++) {
    const other = channel({ url: `https://a.example/${n}` });
    channels.choose(undefined, noted(other, "sk-secret-a"));
  }
  channels.choose(undefined, job);
  expect(opens).toBe(103);
});
