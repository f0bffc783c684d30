import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fromWireError } from "../../shared/errors/wire.ts";
import { CandidateSchema, Module, StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Head, JobAction } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { writeLocator } from "./domain/job-locator.ts";
import { startTestProvider, type TestProvider } from "./testing-provider.ts";

/* Results that a vendor keeps at addresses of other hosts: who is asked, with what, and what is refused. */

const video = Buffer.from("a video of no format ".repeat(10_000));

interface Served {
  readonly port: number;
  readonly asked: { readonly path: string; readonly headers: IncomingMessage["headers"] }[];
  close(): void;
}

async function serve(
  answer: (path: string, response: ServerResponse, request: IncomingMessage) => void,
): Promise<Served> {
  const asked: Served["asked"] = [];
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? "", headers: request.headers });
    answer(request.url ?? "", response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

let vendor: Served;
let store: Served;
let provider: TestProvider;
/** Has no leave to reach this machine as if it were public. */
let strict: TestProvider;
/** The address that the vendor names next. */
let named = "";

beforeAll(async () => {
  store = await serve((path, response, request) => {
    if (path === "/hop") response.writeHead(302, { location: "/video" }).end();
    else if (path === "/round") response.writeHead(302, { location: "/round" }).end();
    else if (path === "/page") response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>");
    else if (path === "/away") response.writeHead(302, { location: "http://10.0.0.1/secret" }).end();
    else if (path !== "/video") response.writeHead(403, { "content-type": "application/xml" }).end("<Error/>");
    else if (request.headers.range === "bytes=9999-") {
      response.writeHead(416, { "content-range": `bytes */${video.length}` }).end();
    } else if (request.headers.range === "bytes=0-9") {
      const head = { "content-type": "video/mp4", "content-range": `bytes 0-9/${video.length}` };
      response.writeHead(206, head).end(video.subarray(0, 10));
    } else response.writeHead(200, { "content-type": "application/octet-stream" }).end(video);
  });
  vendor = await serve((path, response) => {
    response.setHeader("content-type", "application/json");
    if (path.startsWith("/api/v3/files/")) response.setHeader("content-type", "video/mp4").end(video);
    else response.end(JSON.stringify({ id: "cgt-1", status: "succeeded", content: { video_url: named } }));
  });
  const channel = {
    adapter: "openai",
    baseUrl: `http://127.0.0.1:${vendor.port}/api/v3`,
    flavour: { vendor: "volcengine" },
    credential: "top-secret",
    headers: { "x-of-the-channel": "1" },
  };
  provider = await startTestProvider({ ark: channel }, { imageAccess: { allow: ["127.0.0.1"] } });
  strict = await startTestProvider({ ark: channel });
});

beforeEach(() => {
  vendor.asked.length = 0;
  store.asked.length = 0;
});

afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await strict[Symbol.asyncDispose]();
  vendor.close();
  store.close();
});

const at = (path: string) => `http://127.0.0.1:${store.port}${path}`;

async function fetched(
  url: string,
  { range, noted, by = provider }: { range?: string; noted?: string; by?: TestProvider } = {},
) {
  named = url;
  const urls: Record<string, string> = noted === undefined ? {} : { video: noted };
  const stream = by.client.invoke.open(
    {
      dialect: "openai.videos",
      module: Module.VIDEO,
      candidates: [create(CandidateSchema, { channel: "ark", platform: "ark", upstreamModel: "seedance" })],
      headers: range === undefined ? {} : { range },
      storeResponse: StoreResponse.NONE,
      job: {
        action: JobAction.CONTENT,
        vendorJobId: "cgt-1",
        locator: writeLocator({ credential: "", place: "", urls, channel: "" }),
        variant: "video",
      },
    },
    { requestId: by.nextId(), timeoutMs: 20_000 },
  );
  const parts: Uint8Array[] = [];
  let head: Head | undefined;
  for await (const frame of stream) {
    head ??= frame.head;
    parts.push(frame.data);
  }
  const outcome = await stream.outcome;
  const error = outcome.error === undefined ? undefined : fromWireError(outcome.error);
  return { bytes: Buffer.concat(parts), head, outcome, error };
}

describe("a result at another host", () => {
  test("comes through, and the host learns nothing of the channel", async () => {
    const { bytes, head, error, outcome } = await fetched(at("/video"));
    expect(error).toBeUndefined();
    expect(bytes.equals(video)).toBe(true);
    expect(head).toMatchObject({ contentType: "video/mp4", channel: "ark" });
    expect(outcome.attempts.map(({ httpStatus }) => httpStatus)).toEqual([200, 200]);
    expect(vendor.asked[0]?.headers).toMatchObject({ authorization: "Bearer top-secret", "x-of-the-channel": "1" });
    const [{ headers } = { headers: {} }] = store.asked;
    expect(Object.keys(headers).sort()).toEqual(["accept", "connection", "host", "user-agent"]);
  });

  test("comes in the part that was asked for, behind a redirect too", async () => {
    const { bytes, head } = await fetched(at("/hop"), { range: "bytes=0-9" });
    expect(bytes.equals(video.subarray(0, 10))).toBe(true);
    expect(head).toMatchObject({ httpStatus: 206, contentRange: `bytes 0-9/${video.length}` });
  });

  test("has a range that it does not have refused as one of results that are kept here is", async () => {
    const { error } = await fetched(at("/video"), { range: "bytes=9999-" });
    expect(error).toMatchObject({
      code: "invalid_value",
      httpStatus: 416,
      param: "Range",
      headers: { "content-range": `bytes */${video.length}` },
    });
  });

  test("is fetched at the address that was noted; where that has run out the vendor is asked for a new one", async () => {
    const known = await fetched("", { noted: at("/video") });
    expect(known.bytes.length).toBe(video.length);
    expect(vendor.asked).toEqual([]);
    const renewed = await fetched(at("/video"), { noted: at("/gone") });
    expect(renewed.bytes.length).toBe(video.length);
    expect(vendor.asked).toHaveLength(1);
  });

  test.each([
    ["/gone", "not_found"],
    ["/round", "upstream_error"],
    ["/page", "upstream_error"],
    ["/away", "upstream_error"],
  ])("that is %s: %s, and nothing is given", async (path, code) => {
    const { bytes, error } = await fetched(at(path));
    expect(error?.code).toBe(code);
    expect(error?.message).not.toContain("127.0.0.1");
    expect(bytes).toHaveLength(0);
  });

  test.each([
    "http://10.0.0.1/a",
    "http://169.254.169.254/latest",
    "http://[::1]/a",
    "file:///etc/passwd",
    "http://a:b@c.example/",
  ])("at %s is asked of nobody", async (url) => {
    const { error } = await fetched(url);
    expect(error?.code).toBe("upstream_error");
    expect(store.asked).toEqual([]);
  });

  test("at this machine is asked of nobody", async () => {
    const { error } = await fetched(at("/video"), { by: strict });
    expect(error?.code).toBe("upstream_error");
    expect(store.asked).toEqual([]);
  });

  test("says nothing of the channel where it does not come", async () => {
    for (let times = 0; times < 8; times++) await fetched("http://10.0.0.1/a");
    expect((await fetched(at("/video"))).outcome.notes).toEqual([]);
  });
});

test("a result at the vendor's own host is asked for with the channel's credential", async () => {
  const { bytes } = await fetched(`http://127.0.0.1:${vendor.port}/api/v3/files/1?alt=media`, { by: strict });
  expect(bytes.length).toBe(video.length);
  expect(vendor.asked.at(-1)).toMatchObject({
    path: "/api/v3/files/1?alt=media",
    headers: { authorization: "Bearer top-secret" },
  });
});
