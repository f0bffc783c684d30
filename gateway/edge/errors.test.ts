import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { parseRequestId } from "../../shared/request-id.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import { each, principals, secrets, startTestGateway, type TestGateway } from "../testing.ts";

const hello = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };

describe("every answer that is not 2xx", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      routing: {
        listModels: unaryHandler(() => Promise.reject(new TypeError("secret detail of a bug"))),
        resolve: each((item) => {
          if (item.model === "down") throw new ThroughlineError("service_unavailable", "Routing is down.");
          throw new ThroughlineError("model_not_supported", "No channel serves this model.", { param: "model" });
        }),
      },
    });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const bearer = { authorization: `Bearer ${secrets.api}` };
  const json = { ...bearer, "content-type": "application/json" };
  const chat = "/v1/chat/completions";
  const post = (body: string, headers: Record<string, string> = json): RequestInit => ({
    method: "POST",
    headers,
    body,
  });
  const cases: readonly [string, string, RequestInit, number, string, string | null][] = [
    ["unknown path", "/v1/nothing", { headers: bearer }, 404, "not_found", null],
    ["unknown path, big body", "/v1/nothing", post("x".repeat(1024 * 1024)), 404, "not_found", null],
    ["wrong method", chat, { headers: bearer }, 404, "not_found", null],
    ["no CORS", chat, { method: "OPTIONS", headers: { origin: "https://a.example" } }, 404, "not_found", null],
    ["unreadable address", "/v1/requests/%E0%A4%A", { headers: bearer }, 400, "invalid_value", null],
    ["overlong parameter", `/v1/requests/${"9".repeat(600)}`, { headers: bearer }, 404, "not_found", null],
    ["no key", chat, post("{}", { "content-type": "application/json" }), 401, "invalid_api_key", null],
    ["unknown key", chat, post("{}", { ...json, authorization: "Bearer nobody" }), 401, "invalid_api_key", null],
    ["basic auth", chat, post("{}", { ...json, authorization: "Basic YTpi" }), 401, "invalid_api_key", null],
    [
      "administration key",
      chat,
      post("{}", { ...json, authorization: `Bearer ${secrets.cli}` }),
      403,
      "permission_denied",
      null,
    ],
    [
      "lacking scope",
      chat,
      post("{}", { ...json, authorization: `Bearer ${secrets.narrow}` }),
      403,
      "permission_denied",
      null,
    ],
    ["malformed JSON", chat, post('{"model": '), 400, "invalid_value", null],
    ["empty body", chat, post(""), 400, "invalid_value", null],
    [
      "invalid UTF-8",
      chat,
      { method: "POST", headers: json, body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      "invalid_value",
      null,
    ],
    ["JSON that is no object", chat, post("[1]"), 400, "invalid_value", null],
    ["no gzip", chat, post("x", { ...json, "content-encoding": "gzip" }), 400, "invalid_value", "Content-Encoding"],
    [
      "wrong content type",
      chat,
      post("a=b", { ...bearer, "content-type": "text/plain" }),
      400,
      "invalid_value",
      "Content-Type",
    ],
    ["more than 16 MB", chat, post(`"${"x".repeat(16 * 1024 * 1024)}"`), 413, "request_too_large", null],
    ["validation", chat, post('{"model":"gpt-4o"}'), 400, "missing_required_field", "messages"],
    [
      "bad Idempotency-Key",
      chat,
      post(JSON.stringify(hello), { ...json, "idempotency-key": "a b" }),
      400,
      "invalid_value",
      "Idempotency-Key",
    ],
    ["unknown model", chat, post(JSON.stringify(hello)), 400, "model_not_supported", "model"],
    ["service down", chat, post(JSON.stringify({ ...hello, model: "down" })), 503, "service_unavailable", null],
    ["thrown bug", "/v1/models", { headers: bearer }, 500, "internal_error", null],
  ];

  it.each(cases)("%s", async (_name, path, init, status, code, param) => {
    const response = await fetch(gateway.url + path, init);
    const body = (await response.json()) as Record<string, never>;
    expect(response.status).toBe(status);
    const id = response.headers.get("x-oneapi-request-id") ?? "";
    expect(parseRequestId(id)).toBeDefined();
    expect(response.headers.get("request-id")).toBe(id);
    expect(response.headers.get("x-request-id")).toBe(id);
    expect(response.headers.get("x-trace-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(body).toEqual({
      type: "error",
      error: {
        type: expect.any(String),
        code,
        message: expect.any(String),
        param,
        request_id: id,
        upstream_request_id: null,
      },
      request_id: id,
    });
    expect(JSON.stringify(body)).not.toMatch(/secret detail|tl-test/);
    if (status === 503) expect(response.headers.get("retry-after")).toBe("1");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("x-should-retry")).toBe(status < 500 ? "false" : null);
  });

  it("HEAD answers as GET does, without a body", async () => {
    const response = await fetch(`${gateway.url}/healthz`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    const refused = await fetch(`${gateway.url}/v1/models`, { method: "HEAD" });
    expect([refused.status, await refused.text()]).toEqual([401, ""]);
    expect(refused.headers.get("request-id")).toMatch(/^\d+$/);
  });

  const coded = (coding: string) =>
    `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\nTransfer-Encoding: ${coding}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`;
  const broken: readonly [string, string, number, string][] = [
    ["a malformed request line", "HELLO\r\n\r\n", 400, "invalid_value"],
    ["an unknown method", "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "invalid_value"],
    ["too large headers", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 400, "invalid_value"],
    ["a missing Host", "GET /v1/nothing HTTP/1.1\r\nConnection: close\r\n\r\n", 404, "not_found"],
    [
      "an unknown expectation",
      "GET /v1/nothing HTTP/1.1\r\nHost: a\r\nExpect: cake\r\nConnection: close\r\n\r\n",
      404,
      "not_found",
    ],
    ["two Hosts", `GET /v1/models HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n`, 400, "invalid_value"],
    [
      "two keys",
      `GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nauthorization: Bearer x\r\n\r\n`,
      ...([400, "invalid_value"] as const),
    ],
    [
      "two types of a body",
      `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}`,
      ...([400, "invalid_value"] as const),
    ],
    ["two Hosts of a probe", `GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n`, 400, "invalid_value"],
    ["a compressed transfer", coded("gzip, chunked"), 501, "not_implemented"],
    [
      "a transfer that is compressed by another header",
      coded("gzip\r\nTransfer-Encoding: chunked"),
      501,
      "not_implemented",
    ],
    ["a transfer that is not known", coded("xchunked"), 501, "not_implemented"],
    ["a transfer that is no coding", coded("identity"), 501, "not_implemented"],
    ["a transfer that is chunked twice", coded("chunked, chunked"), 400, "invalid_value"],
    ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 404, "not_found"],
    [
      "a malformed chunk",
      `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n`,
      400,
      "invalid_value",
    ],
  ];
  it.each(broken)("%s gets the envelope and an ID", async (_name, text, status, code) => {
    const answer = await raw(gateway.port, text);
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const id = /^request-id: (\d+)$/im.exec(head)?.[1];
    expect(parseRequestId(id ?? "")).toBeDefined();
    expect(head).toMatch(/^cache-control: no-store$/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(JSON.parse(body)).toMatchObject({ type: "error", error: { code, request_id: id }, request_id: id });
  });

  /** A request whose answer takes calls to other services. */
  const whole = (more: string) => {
    const text = JSON.stringify({ ...hello, model: "down" });
    return `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\n${more}Content-Length: ${text.length}\r\n\r\n${text}`;
  };
  // Each is read as far as it is HTTP, whatever stands behind it.
  it.each([
    ["bytes that are none", "garbage\r\n\r\n", "", ["503", "400"]],
    ["a body whose chunks are broken", `${coded("chunked").slice(0, -12)}zz\r\n`, "", ["503", "400"]],
    ["two requests, of which the second is broken", `${whole("")}garbage\r\n\r\n`, "", ["503", "503", "400"]],
    ["bytes, where the connection ends with its answer", "garbage", "Connection: close\r\n", ["503"]],
    ["a request, where the connection ends with its answer", whole(""), "Connection: close\r\n", ["503"]],
    ["an empty line", "\r\n", "Connection: close\r\n", ["503"]],
  ])("a request that is followed by %s gets its answer first", async (_what, behind, more, statuses) => {
    const answers = await raw(gateway.port, whole(more) + behind);
    expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(statuses);
    const ids = [...answers.matchAll(/^request-id: (\d+)/gim)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(statuses.length);
  });

  it("a client that leaves while it sends its body is recorded as gone, not as a fault of the platform", async () => {
    const known = Promise.withResolvers<void>();
    const authenticate = each(() => {
      known.resolve();
      return principals.api;
    });
    await using other = await startTestGateway({ billing: { authenticate } });
    const head = `POST ${chat} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${secrets.api}\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n`;
    const socket = connect(other.port, "127.0.0.1", () => socket.write(`${head}{"model":`));
    await known.promise;
    socket.destroy();
    await vi.waitFor(() => expect(other.recorded).toHaveLength(1));
    expect(other.recorded).toMatchObject([{ errorCode: "client_closed_request", httpStatus: 499 }]);
  });

  it("every endpoint of docs/http.md is there", async () => {
    const text = readFileSync(new URL("../../docs/http.md", import.meta.url), "utf8");
    const endpoints = [...text.matchAll(/`(GET|POST) (\/[^`]*[^`.])`/g)];
    expect(endpoints.length).toBeGreaterThanOrEqual(12);
    for (const [, method = "", path = ""] of endpoints) {
      const response = await fetch(gateway.url + path.replace(/\{\w+\}/g, "x"), { method });
      // The console is a page for everybody, which may not be built here.
      if (path === "/console") {
        expect([200, 503]).toContain(response.status);
        continue;
      }
      // A callback is answered in the same way whatever it is.
      const status = path.startsWith("/callbacks/") ? 204 : path.match(/healthz|readyz|metrics/) ? 200 : 401;
      expect([method, path, response.status]).toEqual([method, path, status]);
    }
  });

  it("without a lease refuses with 503 and keeps answering probes", async () => {
    await using other = await startTestGateway();
    other.ids.setLease({ node: 5, validFromMs: 0, validUntilMs: 1 });
    const refused = await other.call("/v1/models");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("request-id")).toBeNull();
    expect(await refused.json()).toMatchObject({ error: { code: "service_unavailable", request_id: "" } });
    expect((await other.call("/healthz")).status).toBe(200);
    expect(await (await other.call("/readyz")).text()).toContain("request ID lease");
    expect(await raw(other.port, "HELLO\r\n\r\n")).toContain('"request_id":""');
  });

  it("a bug is logged with its stack and the ID, and only there", async () => {
    const id = (await gateway.call("/v1/models")).headers.get("request-id");
    const line = gateway.lines.find((entry) => entry.request_id === id && entry.level === "error");
    expect(JSON.stringify(line)).toContain("secret detail of a bug");
  });
});

/** Sends bytes and reads until the connection closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.on("error", reject).on("close", () => resolve(answer));
  });
}
