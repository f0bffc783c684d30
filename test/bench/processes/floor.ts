import { createServer } from "node:http";
import { Pool } from "undici";

// The floor: the least that a proxy on Node can do. node:http in front, undici's dispatch behind, bytes passed on as they
// come; no check, no key, no price, no ledger, no history, no trace, no metric, no log.
const [origin = "", port = "0"] = process.argv.slice(2);
const pool = new Pool(origin, { connections: 16_384, pipelining: 1 });

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const body = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
    pool.dispatch(
      {
        path: request.url ?? "/",
        method: "POST",
        headers: { "content-type": "application/json", authorization: request.headers.authorization ?? "" },
        body,
      },
      {
        onRequestStart(controller) {
          response.once("close", () => {
            if (!response.writableFinished) controller.abort(new Error("the client left"));
          });
          response.on("drain", () => controller.resume());
        },
        onResponseStart(_controller, statusCode, headers) {
          const length = headers["content-length"];
          if (typeof headers["content-type"] === "string") response.setHeader("content-type", headers["content-type"]);
          if (length !== undefined) response.setHeader("content-length", length);
          response.writeHead(statusCode);
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd() {
          response.end();
        },
        onResponseError() {
          response.destroy();
        },
      },
    );
  });
});
server.listen(Number(port), "127.0.0.1", 4_096, () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" ? address?.port : ""}`);
});
process.on("SIGTERM", () => process.exit(0));
