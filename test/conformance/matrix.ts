/*
 * What works between each client dialect and each upstream format, as data: matrix.test.ts runs every cell that says "yes"
 * with the official SDKs, whole and streamed, against both upstreams of the tests; docs/matrix.md shows it.
 */

/** What is tried in each pair. */
export const features = ["text", "tools", "vision", "structured output", "thinking"] as const;

/** What is tried in each pair. */
export type Feature = (typeof features)[number];

/** Wire formats of clients, with the SDK that speaks them. */
export const dialects = [
  { name: "openai.chat", path: "/v1/chat/completions", sdk: "openai", features },
  { name: "anthropic.messages", path: "/v1/messages", sdk: "@anthropic-ai/sdk", features },
  { name: "openai.responses", path: "/v1/responses", sdk: "openai", features },
  // The format itself knows nothing but text.
  { name: "openai.completions", path: "/v1/completions", sdk: "openai", features: ["text"] as const },
] as const;

/** Names of the client dialects. */
export type DialectName = (typeof dialects)[number]["name"];

/** A wire format of upstreams. */
interface MatrixUpstream {
  readonly name: string;
  readonly shown: string;
  readonly adapter: string;
  readonly flavour: object;
  readonly model: string;
  /** Path of the channel's base URL. */
  readonly path: string;
  /** False: it takes pictures as data alone. */
  readonly addresses?: false;
  /** False: it does not count thinking apart. */
  readonly countsThinking?: false;
}

/** Wire formats of upstreams, with the adapter and what its channel says. */
export const upstreams = [
  { name: "chat", shown: "OpenAI chat", adapter: "openai", flavour: {}, model: "gpt-4o", path: "/v1" },
  {
    name: "messages",
    shown: "Anthropic messages",
    adapter: "anthropic",
    flavour: {},
    model: "claude-sonnet-4-5",
    path: "",
  },
  { name: "gemini", shown: "Gemini", adapter: "gemini", flavour: {}, model: "gemini-2.5-flash", path: "/v1beta" },
  {
    name: "responses",
    shown: "OpenAI responses",
    adapter: "openai",
    flavour: { responses: true },
    model: "gpt-4o",
    path: "/v1",
  },
  {
    ...{ name: "bedrock", shown: "Bedrock Converse", adapter: "bedrock", flavour: { region: "eu-west-1" }, path: "" },
    ...{ model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", addresses: false, countsThinking: false },
  },
  {
    ...{ name: "vertex", shown: "Vertex AI", adapter: "vertex", flavour: {}, model: "gemini-2.5-flash" },
    path: "/v1/projects/p/locations/l",
  },
] as const satisfies readonly MatrixUpstream[];

/** Names of the upstream formats. */
export type UpstreamName = (typeof upstreams)[number]["name"];

/** Whether a pair is tried: an upstream that speaks responses too is one that speaks chat, but for the one dialect. */
export function isTried(dialect: DialectName, upstream: UpstreamName): boolean {
  return upstream !== "responses" || dialect === "openai.responses";
}

/** How a pair meets: the client's bytes go on, or they are translated. */
function meeting(dialect: DialectName, upstream: UpstreamName): string {
  const same =
    (dialect === "openai.chat" && upstream === "chat") ||
    (dialect === "anthropic.messages" && upstream === "messages") ||
    (dialect === "openai.responses" && upstream === "responses");
  return same ? "passed through" : "translated";
}

/** The matrix as a table of Markdown. */
export function matrixTable(): string {
  const rows = dialects.map(({ name, path, sdk, features: tried }) => {
    const cells = upstreams.map((upstream) =>
      isTried(name, upstream.name) ? `${meeting(name, upstream.name)}: ${tried.join(", ")}` : "as OpenAI chat",
    );
    return `| \`${path}\` (\`${name}\`, SDK \`${sdk}\`) | ${cells.join(" | ")} |`;
  });
  return [
    `| Client speaks | ${upstreams.map(({ shown }) => `Upstream speaks ${shown}`).join(" | ")} |`,
    `|---|${upstreams.map(() => "---|").join("")}`,
    ...rows,
  ].join("\n");
}
