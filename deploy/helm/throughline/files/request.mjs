// What `helm test` runs: sends a request, finds its record by its ID, and its trace where a query address is given.
// Node's own modules only. It says each step and ends with 0, or with 1 and why.
/* biome-ignore-all lint/style/noProcessEnv: it runs by itself, without the configuration of a process. */

const { GATEWAY_URL, API_KEY, MODEL, TRACE_QUERY_URL } = process.env;
const withinMs = 60_000;

function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Asks until the answer is what it should be, for a minute at most: records and traces arrive a moment later. */
async function eventually(what, ask) {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    let why = "";
    try {
      const found = await ask();
      if (found !== undefined) return found;
      why = "it is not there";
    } catch (error) {
      why = error.cause?.code ?? error.message;
    }
    if (Date.now() > untilMs) throw new Error(`${what}: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

try {
  await eventually("the gateway is not ready", async () =>
    (await fetch(`${GATEWAY_URL}/readyz`)).ok ? true : undefined,
  );
  say("the gateway is ready");
  if (!API_KEY) {
    say("no request is sent: test.apiKeySecret names no key");
    process.exit(0);
  }
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const body = JSON.stringify({ model: MODEL, max_tokens: 16, messages: [{ role: "user", content: "Hello" }] });
  const response = await fetch(`${GATEWAY_URL}/v1/chat/completions`, { method: "POST", headers, body });
  const id = response.headers.get("x-oneapi-request-id");
  const text = await response.text();
  if (!response.ok) throw new Error(`the request failed: HTTP ${response.status} ${text.slice(0, 500)}`);
  say(`request ${id} was answered`);
  const record = await eventually("the request has no record", async () => {
    const answer = await fetch(`${GATEWAY_URL}/v1/requests/${id}`, { headers });
    const found = answer.ok ? await answer.json() : undefined;
    return found?.status === "succeeded" ? found : undefined;
  });
  say(`its record says ${record.status}`);
  if (TRACE_QUERY_URL) {
    const traceId = record.trace.id;
    const url = TRACE_QUERY_URL.replace("{trace_id}", traceId);
    await eventually(`trace ${traceId} is not found`, async () => {
      const answer = await fetch(url);
      return answer.ok && (await answer.text()).includes(traceId) ? true : undefined;
    });
    say(`trace ${traceId} is found`);
  }
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
