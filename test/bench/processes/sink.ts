import { createServer } from "node:http";

// Where spans go: takes every export as a collector would and counts it. GET tells the counts.
let exports_ = 0;
let bytes = 0;
const server = createServer((request, response) => {
  if (request.method === "GET") return void response.end(JSON.stringify({ exports: exports_, bytes }));
  request.on("data", (part: Buffer) => {
    bytes += part.length;
  });
  request.on("end", () => {
    exports_ += 1;
    response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 }).end();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" ? address?.port : ""}`);
});
process.on("SIGTERM", () => process.exit(0));
