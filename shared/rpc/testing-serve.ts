import { freePort } from "../free-ports.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { createEcho } from "./testing-echo.ts";

// A process that serves echo until it is killed; on a port that is free for whoever follows it; tells the port to the parent.
const echo = createEcho();
const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: await freePort() });
process.send?.({ port: server.port });
void echo.until(({ texts }) => texts.includes("hold")).then(() => process.send?.({ holding: true }));
