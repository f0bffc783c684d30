import { create } from "@bufbuild/protobuf";
import { z } from "zod";
import {
  type Channel,
  ChannelSchema,
  type CredentialRef,
  CredentialRefSchema,
} from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { parseJson } from "./wire/json.ts";

/*
 * What is noted of a channel with a job that it began: what it takes to ask after the job when the channel was removed, or leads
 * elsewhere. There is no secret in it: of the credential it says where it is, as the configuration does, or has it sealed.
 */

const schema = z.object({
  name: z.string(),
  adapter: z.string(),
  url: z.string(),
  flavour: z.string(),
  id_header: z.string(),
  headers: z.record(z.string(), z.string()),
  /** Where the credential is that began the job; absent: the channel needs none. */
  credential: z.exactOptional(z.tuple([z.enum(["env", "file", "sealed"]), z.string()])),
});

/** A note that was read. */
export type ChannelNote = z.infer<typeof schema>;

/** Names of headers that may hold a secret, which a note must not. */
const secretive = /auth|key|token|secret|cookie|password|signature/i;

/** Writes the note. @param credential the one that began the job. */
export function writeChannelNote(channel: Channel, credential: CredentialRef | undefined): string {
  const note: ChannelNote = {
    name: channel.name,
    adapter: channel.adapter,
    url: channel.baseUrl,
    flavour: channel.flavourJson,
    id_header: channel.requestIdHeader,
    headers: Object.fromEntries(Object.entries(channel.headers).filter(([name]) => !secretive.test(name))),
    ...(credential === undefined ? {} : { credential: sourceOf(credential) }),
  };
  return JSON.stringify(note);
}

function sourceOf({ source }: CredentialRef): NonNullable<ChannelNote["credential"]> {
  if (source.case === "sealed") return ["sealed", Buffer.from(source.value).toString("base64")];
  return [source.case ?? "env", source.value ?? ""];
}

/** Reads a note; undefined: it is none. */
export function readChannelNote(text: string): ChannelNote | undefined {
  return schema.safeParse(parseJson(text)).data;
}

/** The channel that a note describes. */
export function channelOf({ name, adapter, url, flavour, id_header, headers, credential }: ChannelNote): Channel {
  return create(ChannelSchema, {
    ...{ name, adapter, baseUrl: url, flavourJson: flavour, requestIdHeader: id_header, headers },
    credentials: credential === undefined ? [] : [refOf(credential)],
  });
}

function refOf([kind, text]: NonNullable<ChannelNote["credential"]>): CredentialRef {
  if (kind === "sealed")
    return create(CredentialRefSchema, { source: { case: kind, value: Buffer.from(text, "base64") } });
  return create(CredentialRefSchema, { source: { case: kind, value: text } });
}
