import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** An upstream that tells in its errors what it was sent, the credential first of all. */
export interface LeakyUpstream extends AsyncDisposable {
  readonly url: string;
  /** Credentials that it was sent. */
  readonly seen: ReadonlySet<string>;
}

/** How it fails, by the end of the model's name. Each names the credential in its own way. */
export const leaks = ["400", "401", "429", "500", "html", "truncated", "stream"] as const;

/** Starts one on a free port of 127.0.0.1. */
export async function startLeakyUpstream(): Promise<LeakyUpstream> {
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    void answer(request, response, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, seen: Set<string>): Promise<void> {
  const { model } = JSON.parse(await text(request)) as { model: string };
  const credential = request.headers.authorization?.replace("Bearer ", "") ?? String(request.headers["x-api-key"]);
  seen.add(credential);
  const how = leaks.find((leak) => model.endsWith(leak)) ?? "500";
  const error = {
    message: `Incorrect API key provided: ${credential}.`,
    type: "invalid_request_error",
    code: credential,
  };
  const json = JSON.stringify({ type: "error", error, headers: request.headers });
  const type = { "content-type": "application/json" };
  if (how === "html") {
    response.writeHead(502, { "content-type": "text/html" }).end(`<h1>Bad gateway</h1><pre>${json}</pre>`);
  } else if (how === "truncated") {
    response.writeHead(200, type).end(json.slice(0, -5));
  } else if (how === "stream") {
    const chunk = {
      id: "x",
      object: "chat.completion.chunk",
      model,
      choices: [{ index: 0, delta: { content: "Hi" } }],
    };
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end(`data: ${JSON.stringify({ error })}\n\n`);
  } else {
    response.writeHead(Number(how), type).end(json);
  }
}
