import { describe, expect, test } from "vitest";
import { adapters } from "./registry.ts";

/* What a client refers to and the vendor does not have: its answer is a 404 with the vendor's words, and no channel rests for it. */

const openai = (message: string, param: string | null = null) => ({
  error: { message, type: "invalid_request_error", param, code: null },
});
const anthropic = (message: string, details?: object) => ({
  ...{ type: "error", request_id: "req_1" },
  error: { type: "not_found_error", message, ...(details === undefined ? {} : { details }) },
});
const google = (code: number, status: string, message: string) => ({ error: { code, status, message } });

function fail(adapter: string, status: number, body: object) {
  const failure = adapters[adapter]?.open("").failure(status, {}, JSON.stringify(body), "");
  if (failure === undefined) throw new Error("the adapter is not there");
  return failure;
}

describe("what the client refers to is not at the vendor", () => {
  test.each<[adapter: string, status: number, body: object]>([
    [
      "openai",
      404,
      openai("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", "input"),
    ],
    ["openai", 404, openai("No such File object: file-abc")],
    ["openai", 404, openai("Vector store with id 'vs_1' not found.")],
    ["openai", 404, openai("Container with id 'cntr_1' not found.")],
    ["openai", 404, openai("Conversation with id 'conv_1' not found.")],
    ["anthropic", 404, anthropic("Container not found: container_1")],
    ["anthropic", 404, anthropic("File not found: file_011")],
    ["anthropic", 404, anthropic("No usable state.", { error_code: "thread_not_found" })],
    ["gemini", 403, google(403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)")],
    [
      "gemini",
      403,
      google(403, "PERMISSION_DENIED", "You do not have permission to access the File abc or it may not exist."),
    ],
    ["gemini", 404, google(404, "NOT_FOUND", "Not found: cached content metadata for 123.")],
  ])("%s %i %j", (adapter, status, body) => {
    const { error, failover, unhealthy, cooldownMs } = fail(adapter, status, body);
    expect(error).toMatchObject({ code: "not_found", httpStatus: 404, retryable: false });
    expect(error.message).not.toContain("model or path");
    // Another account may hold it.
    expect({ failover, unhealthy, cooldownMs }).toEqual({ failover: true, unhealthy: false, cooldownMs: 0 });
  });
});

describe("a model, a path or a key that the vendor refuses is ours", () => {
  test.each<[adapter: string, status: number, body: object]>([
    ["openai", 404, openai("The model `file-reader` does not exist or you do not have access to it.", "model")],
    ["openai", 404, openai("The API deployment for this resource does not exist.")],
    ["openai", 404, openai("Invalid URL (POST /v1/responses)")],
    ["openai", 404, openai('model "prompt-guard" not found, try pulling it first')],
    ["openai", 404, { detail: "Not Found" }],
    ["anthropic", 404, anthropic("model: claude-files")],
    ["anthropic", 404, anthropic("Claude Fable 5 is not available. Please use Opus 4.8.")],
    ["gemini", 403, google(403, "PERMISSION_DENIED", "The caller does not have permission")],
    ["gemini", 404, google(404, "NOT_FOUND", "models/x is not found for API version v1beta.")],
    ["gemini", 400, google(400, "INVALID_ARGUMENT", "API key not found. Please pass a valid API key.")],
  ])("%s %i %j", (adapter, status, body) => {
    expect(fail(adapter, status, body)).toMatchObject({ error: { code: "upstream_error" }, failover: true });
  });
});
