import { asObject, asString, parseJson } from "../wire/json.ts";

/** What is noted of a job beside its vendor's ID, to find it again. */
export interface JobLocator {
  /** Mark of the credential that began it (rpc/job-credentials.ts); empty: it was begun without any. */
  readonly credential: string;
  /** Where the vendor keeps it, if its ID alone does not say, e.g. the path of its start. Empty: its ID says all. */
  readonly place: string;
  /** Addresses of its results by variant, as the vendor last named them. */
  readonly urls: Readonly<Record<string, string>>;
  /** The channel that began it, as channel-note.ts writes it; empty: it is not noted. */
  readonly channel: string;
}

/** Longest text of a locator without the channel, and longest note of a channel; both are less than shared/job-report.ts allows. */
const maxLength = 1_024;
const maxChannelLength = 2_048;

/** Reads a locator. What is none says nothing. */
export function readLocator(text: string): JobLocator {
  const given = asObject(parseJson(text)) ?? {};
  const urls = Object.entries(asObject(given.urls) ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    credential: asString(given.credential) ?? "",
    place: asString(given.place) ?? "",
    urls: Object.fromEntries(urls),
    channel: asString(given.channel) ?? "",
  };
}

/** Writes a locator. Addresses that do not fit are left out: they are asked for again when somebody wants the result. */
export function writeLocator({ credential, place, urls, channel }: JobLocator): string {
  const kept: Record<string, string> = {};
  const text = () => JSON.stringify({ credential, place, ...(Object.keys(kept).length === 0 ? {} : { urls: kept }) });
  for (const [variant, url] of Object.entries(urls)) {
    kept[variant] = url;
    if (text().length > maxLength) delete kept[variant];
  }
  const noted = JSON.stringify({ channel });
  if (channel === "" || noted.length > maxChannelLength) return text();
  return `${text().slice(0, -1)},${noted.slice(1)}`;
}
