import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A store that speaks as S3, as far as objects need it. */
export interface TestBucket {
  /** What OBJECT_STORE_URL is for it. */
  readonly url: string;
  /** Bytes by path. */
  readonly kept: Map<string, Buffer>;
  /** Uploads in parts that were begun and not ended. */
  readonly uploads: Map<string, Map<number, Buffer>>;
  /** Bytes of the parts that came. */
  readonly partBytes: number[];
  /** Answers the next calls of this method with 500, so many of them, after having done what was asked. */
  lose(method: string, calls: number): void;
  stop(): Promise<void>;
}

/** Starts one on a free port. It refuses calls whose digest is wrong or that are not signed. */
export async function startTestBucket(): Promise<TestBucket> {
  const kept = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  const partBytes: number[] = [];
  const lost = new Map<string, number>();
  let lastUpload = 0;

  function serve(
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): readonly [status: number, said: string | Buffer] {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://store");
    const uploadId = searchParams.get("uploadId");
    const signed = /^AWS4-HMAC-SHA256 Credential=test-key\/\d{8}\/eu-test-1\/s3\/aws4_request/;
    const digest = createHash("sha256").update(body).digest("hex");
    if (!signed.test(request.headers.authorization ?? "") || request.headers["x-amz-content-sha256"] !== digest) {
      return [403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"];
    }
    const upload = uploadId === null ? undefined : uploads.get(uploadId);
    if (uploadId !== null && upload === undefined) return [404, "<Error><Code>NoSuchUpload</Code></Error>"];
    if (request.method === "POST" && searchParams.has("uploads")) {
      const id = `upload&${++lastUpload}`;
      uploads.set(id, new Map());
      return [200, `<R><UploadId>${id.replaceAll("&", "&amp;")}</UploadId></R>`];
    }
    if (request.method === "POST" && upload !== undefined && uploadId !== null) {
      const parts = [...upload].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      if (parts.slice(0, -1).some(({ length }) => length < 5 * 1024 * 1024)) {
        return [400, "<Error><Code>EntityTooSmall</Code></Error>"];
      }
      kept.set(pathname, Buffer.concat(parts));
      uploads.delete(uploadId);
      return [200, "<R/>"];
    }
    if (request.method === "PUT" && upload !== undefined) {
      upload.set(Number(searchParams.get("partNumber")), body);
      partBytes.push(body.length);
      response.setHeader("etag", `"${digest.slice(0, 32)}"`);
      return [200, ""];
    }
    if (request.method === "PUT") {
      kept.set(pathname, body);
      return [200, ""];
    }
    if (request.method === "DELETE") {
      if (uploadId === null) kept.delete(pathname);
      else uploads.delete(uploadId);
      return [204, ""];
    }
    const bytes = kept.get(pathname);
    if (bytes === undefined) return [404, "<Error><Code>NoSuchKey</Code></Error>"];
    if (request.method === "HEAD") {
      response.setHeader("content-length", bytes.length);
      return [200, ""];
    }
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    return [206, bytes.subarray(Number(from), Number(to) + 1)];
  }

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const [status, said] = serve(request, Buffer.concat(pieces), response);
      const left = lost.get(request.method ?? "") ?? 0;
      if (left > 0) lost.set(request.method ?? "", left - 1);
      response.statusCode = left > 0 ? 500 : status;
      response.end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `s3://things/some/prefix?endpoint=http://127.0.0.1:${port}&region=eu-test-1`,
    kept,
    uploads,
    partBytes,
    lose: (method, calls) => void lost.set(method, calls),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
