import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { startTestProvider } from "../../testing-provider.ts";

/* Bytes that come too slowly end by the bound of their kind, as every other answer does. */

const tickMs = 20;

/** A vendor whose speech comes a byte at a time; what it gives is over when its client leaves. */
async function trickle(begin: (response: ServerResponse) => void) {
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "audio/mpeg");
    begin(response);
    const timer = setInterval(() => response.write("x"), tickMs);
    response.on("close", () => clearInterval(timer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/v1`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const speak = {
  dialect: "openai.speech",
  body: { model: "m", voice: "alloy", input: "Hello" },
  candidates: [
    { channel: "slow", model: "tts", prices: { characterNanoUsdPerMchar: 15_000_000_000n, groupRatioPpm: 1_000_000 } },
  ],
};

test("speech whose length was announced is made: it ends within the time of a body, and what was delivered is charged", async () => {
  const vendor = await trickle((response) => response.setHeader("content-length", 1_000_000));
  const bodyTimeoutMs = 600;
  const provider = await startTestProvider({
    slow: { adapter: "openai", baseUrl: vendor.url, bodyTimeoutMs, chunkTimeoutMs: 30_000 },
  });
  try {
    const { outcome, error, bytes } = await provider.invoke(speak);
    expect(error?.code).toBe("upstream_timeout");
    expect(outcome.attempts[0]).toMatchObject({ fault: "body_timeout" });
    expect(bytes.length).toBeGreaterThan(0);
    expect(outcome.usage).toMatchObject({ characters: 5n });
  } finally {
    await provider[Symbol.asyncDispose]();
    vendor.close();
  }
});

test("speech that is made while it comes takes as long as it takes", async () => {
  let bytes = 0;
  const vendor = await trickle(() => undefined);
  const provider = await startTestProvider({
    slow: { adapter: "openai", baseUrl: vendor.url, bodyTimeoutMs: 200, chunkTimeoutMs: 30_000 },
  });
  try {
    const { outcome } = await provider.invoke({
      ...speak,
      onFrame(data, cancel) {
        bytes += data.length;
        if (bytes * tickMs > 1_000) cancel();
      },
    });
    expect(outcome.cancelled).toBe(true);
  } finally {
    await provider[Symbol.asyncDispose]();
    vendor.close();
  }
});
