// A server of the Model Context Protocol over standard input and output with one tool, which finds everything.
import readline from "node:readline";

const tool = {
  name: "search",
  description: "Searches",
  inputSchema: { type: "object", properties: { q: { type: "string" } } },
};

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "docs", version: "1" },
  }),
  "tools/list": () => ({ tools: [tool] }),
  "tools/call": () => ({ content: [{ type: "text", text: "found" }] }),
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) return;
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result: answers[method]?.(params) ?? {} })}\n`);
});
