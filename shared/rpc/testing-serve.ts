import { startGrpcServer } from "./grpc-server.ts";
import { createEcho } from "./testing-echo.ts";

// A process that serves echo until it is killed; tells its port to the parent.
const echo = createEcho();
const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0 });
process.send?.({ port: server.port });
void echo.until(({ texts }) => texts.includes("hold")).then(() => process.send?.({ holding: true }));
