import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { envelope } from "../../shared/errors/envelope.ts";
import { inBandError, type TestProvider } from "./testing-provider.ts";

/** Paths of the edge by what they speak. */
const dialects: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "openai.chat",
  "/v1/messages": "anthropic.messages",
  "/v1/responses": "openai.responses",
  "/v1/completions": "openai.completions",
};

/** A bare edge over a provider, so that real SDKs can be its clients. */
export interface TestEdge extends AsyncDisposable {
  /** Origin, without a slash at its end. */
  readonly url: string;
  /** Notes of the last request. */
  readonly notes: readonly string[];
}

/**
 * Starts it. The channel is named by the header `x-channel`; the model of the body is the one sent upstream, a control
 * may stand behind a colon ("sim-model:high").
 */
export async function startTestEdge(provider: TestProvider): Promise<TestEdge> {
  let notes: readonly string[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { model = "", stream } = JSON.parse(body.toString()) as { model?: string; stream?: boolean };
    const dialect = dialects[request.url?.split("?")[0] ?? ""] ?? "";
    const [upstreamModel = "", control = ""] = model.split(":");
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (name.startsWith("anthropic-") && typeof value === "string") headers[name] = value;
    }
    const whole: Uint8Array[] = [];
    const { outcome, error } = await provider.invoke({
      dialect,
      body,
      headers,
      control,
      candidates: [{ channel: String(request.headers["x-channel"]), model: upstreamModel }],
      onFrame(data) {
        if (stream !== true) whole.push(data);
        else {
          if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream" });
          response.write(data);
        }
      },
    });
    notes = outcome.notes;
    if (error !== undefined && response.headersSent) response.end(inBandError(dialect, error, "1"));
    else if (error !== undefined) {
      response.writeHead(error.httpStatus, { "content-type": "application/json", "x-should-retry": "false" });
      response.end(JSON.stringify(envelope(error, "1")));
    } else if (stream === true) response.end();
    else {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(Buffer.concat(whole));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    get notes() {
      return notes;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
