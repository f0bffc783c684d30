import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerOf, type Turn } from "./answers.ts";
import { type Body, type Conversation, readers, type VendorName } from "./rules.ts";

/** What a vendor's model does next, by the tools that it is offered and how often it was answered. */
export type Plan = (conversation: Conversation) => Turn;

/** Servers that stand for vendors: they hold every request to the vendor's rules, and follow a plan. */
export interface Vendors extends AsyncDisposable {
  readonly port: number;
  /** What broke a rule, by vendor. */
  readonly refused: string[];
  /** The conversations that were asked, in their order. */
  readonly asked: Conversation[];
  /** From now on this is what the models do. */
  follow(plan: Plan): void;
}

/** Starts them, on one port: the path says which vendor is asked. */
export async function startVendors(): Promise<Vendors> {
  const refused: string[] = [];
  const asked: Conversation[] = [];
  const kept = new Map<unknown, Body>();
  let plan: Plan = () => ({ text: "FINAL-ANSWER" });
  const server = createServer((request, response) => void serve(request, response));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const url = request.url ?? "";
    const vendor = vendorOf(url);
    const body = JSON.parse(Buffer.concat(pieces).toString() || "{}") as Body;
    const read = readers[vendor](body, kept);
    if (typeof read === "string") {
      refused.push(`${vendor}: ${read}`);
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: read } }));
      return;
    }
    asked.push(read);
    const streams = body.stream === true || url.includes("streamGenerateContent");
    response.writeHead(200, { "content-type": streams ? "text/event-stream" : "application/json" });
    response.end(answerOf(vendor, plan(read), streams, (item) => kept.set(item.id, item)));
  }

  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    refused,
    asked,
    follow(next) {
      plan = next;
      refused.length = 0;
      asked.length = 0;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function vendorOf(url: string): VendorName {
  if (url.includes(":generateContent") || url.includes(":streamGenerateContent")) return "gemini";
  if (url.includes("/messages")) return "messages";
  return url.includes("/responses") ? "responses" : "chat";
}
