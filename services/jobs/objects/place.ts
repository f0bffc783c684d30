import { ConfigError } from "../../../shared/config.ts";

/** Where the bytes of objects are kept. */
export type ObjectPlace = DatabasePlace | FolderPlace | BucketPlace;

/** In the tables of jobs: nothing to set up. */
interface DatabasePlace {
  readonly kind: "database";
  /** What an object's row calls the place; the credentials are not in it. */
  readonly name: string;
}

/** In a folder that all processes of jobs share. */
export interface FolderPlace {
  readonly kind: "folder";
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
}

/** In a bucket of a store that speaks as S3. */
export interface BucketPlace {
  readonly kind: "bucket";
  readonly name: string;
  /** Address of the bucket with the prefix, without a slash at its end. */
  readonly address: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The tables of jobs. */
export const databasePlace: DatabasePlace = { kind: "database", name: "database" };

const variable = "OBJECT_STORE_URL";
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** What a bucket is opened with. */
export interface BucketKeys {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
}

/** The place that `OBJECT_STORE_URL` names; undefined: the database. Throws ConfigError. */
export function placeOf(url: string | undefined, keys: BucketKeys): ObjectPlace {
  if (url === undefined || url === "") return databasePlace;
  const parsed = URL.parse(url);
  if (parsed?.protocol === "file:") return folderOf(parsed);
  if (parsed?.protocol === "s3:") return bucketOf(parsed, keys);
  throw new ConfigError(variable, `${variable} must be file:///a/folder or s3://bucket/prefix?region=...`);
}

function folderOf(url: URL): FolderPlace {
  const path = decodeURIComponent(url.pathname).replace(/\/+$/, "");
  if (url.host !== "" || path === "") {
    throw new ConfigError(variable, `${variable} must name a folder by its whole path: file:///a/folder`);
  }
  return { kind: "folder", name: `file://${path}`, path };
}

function bucketOf(url: URL, { accessKeyId, secretAccessKey }: BucketKeys): BucketPlace {
  const bucket = url.hostname;
  const prefix = url.pathname.replace(/\/+$/, "");
  const region = url.searchParams.get("region") ?? "us-east-1";
  const given = url.searchParams.get("endpoint");
  if (!/^[a-z0-9.-]{3,63}$/.test(bucket) || !/^[\w./-]*$/.test(prefix) || !/^[a-z0-9-]{1,40}$/.test(region)) {
    throw new ConfigError(variable, `${variable} must be s3://bucket/prefix?endpoint=https://...&region=...`);
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missing = accessKeyId === undefined ? "OBJECT_STORE_ACCESS_KEY_ID" : "OBJECT_STORE_SECRET_ACCESS_KEY";
    throw new ConfigError(missing, `${missing} must be set for a bucket`);
  }
  const base = given === null ? `https://s3.${region}.amazonaws.com` : endpointOf(given);
  const address = `${base}/${bucket}${prefix}`;
  return { kind: "bucket", name: address, address, region, accessKeyId, secretAccessKey };
}

/** What is not encrypted stays on the machine: keys of the store are proved by a signature, but the bytes are in the clear. */
function endpointOf(given: string): string {
  const url = URL.parse(given);
  const allowed = url?.protocol === "https:" || (url?.protocol === "http:" && loopback.test(url.hostname));
  if (url === null || !allowed || url.username !== "" || url.password !== "" || url.search !== "") {
    throw new ConfigError(variable, `The endpoint of ${variable} must be an https address, or http on this machine`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
