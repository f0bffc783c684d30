import type { Env } from "../../shared/config.ts";
import { declareEnv } from "../../shared/config-declare.ts";
import type { RequestIdStyle } from "../../shared/request-id.ts";
import { type CredentialKeys, parseCredentialKeys } from "../../shared/sealed-credential.ts";
import { type Proxies, proxiesOf } from "./upstream/proxies.ts";

/** The environment variables of the provider. */
export const providerEnv = declareEnv({
  UPSTREAM_CONNECT_TIMEOUT_MS: {
    kind: "duration",
    default: 10_000,
    min: 100,
    max: 86_400_000,
    description: "Longest time to connect to an upstream, where its channel says nothing.",
  },
  UPSTREAM_HEADERS_TIMEOUT_MS: {
    kind: "duration",
    default: 300_000,
    min: 100,
    max: 86_400_000,
    description: "Longest time to the head of an upstream's answer, where its channel says nothing.",
  },
  UPSTREAM_CHUNK_TIMEOUT_MS: {
    kind: "duration",
    default: 120_000,
    min: 100,
    max: 86_400_000,
    description:
      "Longest silence between two pieces of an upstream's answer, where its channel says nothing. In a stream that has begun, comments and pings are silence.",
  },
  UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: {
    kind: "duration",
    default: 300_000,
    min: 100,
    max: 86_400_000,
    description:
      "Longest time to the first content of a stream (text, reasoning, a tool call, an image): what only frames an answer and keep-alive comments do not count. The next channel is tried then. Where its channel says nothing.",
  },
  UPSTREAM_BODY_TIMEOUT_MS: {
    kind: "duration",
    default: 300_000,
    min: 100,
    max: 86_400_000,
    description:
      "Longest time from the head of an upstream's answer to its end where it is not streamed, where its channel says nothing.",
  },
  UPSTREAM_PROBE_AFTER_MS: {
    kind: "duration",
    default: 2_000,
    min: 50,
    max: 60_000,
    description:
      "Time after which a channel whose breaker has opened is tried again by one request; it doubles, up to a minute, while that fails.",
  },
  UPSTREAM_SILENCE_MS: {
    kind: "duration",
    default: 10_000,
    min: 100,
    max: 86_400_000,
    description:
      "A channel at which three requests or more wait, and nobody has heard anything for so long (and for 8 times its usual time), is left out while others are left.",
  },
  UPSTREAM_MAX_CONNECTIONS: {
    kind: "int",
    default: 4_096,
    min: 1,
    max: 1_000_000,
    unit: "connections",
    description: "Most connections of a provider process to one upstream.",
  },
  HTTPS_PROXY: {
    kind: "secret",
    description:
      "Proxy on the way to upstreams whose address begins with https: a tunnel. Not set: HTTP_PROXY. Lower-case spellings of the three are read too, and first.",
  },
  HTTP_PROXY: {
    kind: "secret",
    description: "Proxy on the way to upstreams whose address begins with http. May hold a user and a password.",
  },
  NO_PROXY: {
    kind: "string",
    default: "",
    description:
      "Upstreams that are reached without a proxy, by commas: names (with those below them), addresses, ranges (10.0.0.0/8), each with a :port or without; * for all. This machine is always reached directly.",
  },
  IMAGE_PROXY: {
    kind: "bool",
    default: false,
    description:
      "Fetches the images that requests name by an address and sends them on as data, so that upstreams need not. Private addresses are refused.",
  },
  IMAGE_PROXY_MAX_BYTES: {
    kind: "int",
    default: 10 * 1024 * 1024,
    min: 1_024,
    max: 1_073_741_824,
    unit: "bytes",
    description: "Largest image that is fetched; those of one request may have three times as much together.",
  },
  IMAGE_PROXY_TIMEOUT_MS: {
    kind: "duration",
    default: 10_000,
    min: 100,
    max: 86_400_000,
    description: "Longest time to fetch one image, redirects included.",
  },
  REQUEST_ID_STYLE: {
    kind: "choice",
    choices: ["decimal", "stamped"],
    default: "decimal",
    description: "Spelling of request IDs in headers and bodies; both are accepted wherever an ID is taken.",
  },
  CREDENTIAL_KEY: {
    kind: "secret",
    description:
      "Key of credentials that are sealed at rest, 32 bytes in base64; needed for channels entered at run time.",
  },
});

/** Configuration of the provider. */
export interface ProviderConfig {
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly chunkTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** Longest time from sending to the first content of a stream. */
  readonly firstTokenTimeoutMs: number;
  /** Time to the first probe of an open breaker. */
  readonly probeAfterMs: number;
  /** Silence of a channel at which several requests wait that leaves it out. */
  readonly silenceMs: number;
  /** Time between two reports of the channels' health to routing. */
  readonly reportMs: number;
  readonly maxConnections: number;
  readonly idStyle: RequestIdStyle;
  /** Opens credentials that were entered at run time. */
  readonly credentialKeys: CredentialKeys | undefined;
  /** On the way to upstreams and images. */
  readonly proxies: Proxies;
  /** Undefined: images are left to the upstreams. */
  readonly imageProxy:
    | { readonly maxBytes: number; readonly maxTotalBytes: number; readonly timeoutMs: number }
    | undefined;
  /** How often routing is asked for changed channels. */
  readonly channelPollMs: number;
  /** How long a gateway whose lane broke has to settle its requests by itself: one that is alive does so in milliseconds. */
  readonly lostGatewayHeadStartMs: number;
  /** Largest answer of one JSON body, bytes. */
  readonly maxBodyBytes: number;
  /** Bounds on an image that an answer names by an address. */
  readonly answerImages: { readonly maxBytes: number; readonly timeoutMs: number };
}

/** Configuration from the environment. Throws ConfigError that names the variable. */
export function envToConfig(env: Env): ProviderConfig {
  const read = providerEnv.read(env);
  return {
    connectTimeoutMs: read.UPSTREAM_CONNECT_TIMEOUT_MS,
    headersTimeoutMs: read.UPSTREAM_HEADERS_TIMEOUT_MS,
    chunkTimeoutMs: read.UPSTREAM_CHUNK_TIMEOUT_MS,
    bodyTimeoutMs: read.UPSTREAM_BODY_TIMEOUT_MS,
    firstTokenTimeoutMs: read.UPSTREAM_FIRST_TOKEN_TIMEOUT_MS,
    probeAfterMs: read.UPSTREAM_PROBE_AFTER_MS,
    silenceMs: read.UPSTREAM_SILENCE_MS,
    reportMs: 1_000,
    maxConnections: read.UPSTREAM_MAX_CONNECTIONS,
    idStyle: read.REQUEST_ID_STYLE,
    credentialKeys: read.CREDENTIAL_KEY === undefined ? undefined : parseCredentialKeys(read.CREDENTIAL_KEY),
    proxies: proxiesOf(env),
    imageProxy: read.IMAGE_PROXY
      ? {
          maxBytes: read.IMAGE_PROXY_MAX_BYTES,
          maxTotalBytes: 3 * read.IMAGE_PROXY_MAX_BYTES,
          timeoutMs: read.IMAGE_PROXY_TIMEOUT_MS,
        }
      : undefined,
    channelPollMs: 500,
    lostGatewayHeadStartMs: 1_000,
    maxBodyBytes: 64 * 1024 * 1024,
    // A PNG of 4,096 pixels each way has about 30 MB.
    answerImages: { maxBytes: 32 * 1024 * 1024, timeoutMs: 60_000 },
  };
}
