import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/*
 * V8 makes a getter of an object literal, and a function that is assigned to a property, in the old generation: what
 * they see lives on until a full collection. Made for each request they doubled the time of young collections
 * (CONTRIBUTING.md). Here are those that are made seldom; a new one is either a method, or belongs into this list.
 */
const madeSeldom: Readonly<Record<string, readonly string[]>> = {
  "once a process": [
    "services/history/custom-response/allowance.ts: get entries",
    "services/history/rpc/gather.ts: get waiting",
    "services/jobs/batches/lines.ts: get running",
    "services/jobs/runner/calls.ts: get running",
    "services/jobs/runner/pool.ts: get running",
    "shared/turns.ts: get waiting",
    "services/provider-adapter/adapters/openai/index.ts: exchanges[name] =",
    "services/provider-adapter/channels.ts: get known",
    "services/provider-adapter/resilience/health.ts: get broken",
    "services/routing/live/loader.ts: get problems",
    "shared/db/database.ts: get kysely",
    "shared/db/database.ts: get statements",
    "shared/db/listener.ts: get listening",
    "shared/db/pool.ts: get statements",
  ],
  "once a channel": [
    "services/provider-adapter/resilience/breaker.ts: get state",
    "services/provider-adapter/resilience/breaker.ts: get restMs",
    "services/provider-adapter/resilience/channel-health.ts: get idle",
    "shared/roster.ts: get oldest",
    "shared/roster.ts: get size",
  ],
  "once a call or a line that nobody waits for": [
    "services/jobs/batches/run-line.ts: running.cancel =",
    "services/jobs/runner/call.ts: call.onStop =",
  ],
  "once a connection to an upstream": ["services/provider-adapter/upstream/interim-heads.ts: socket.read ="],
  "once a lane": [
    "shared/rpc/call-table.ts: get size",
    "shared/rpc/client-lane.ts: get bornMs",
    "shared/rpc/client-lane.ts: get congested",
    "shared/rpc/client-lane.ts: get load",
    "shared/rpc/client-lane.ts: get state",
    "shared/rpc/grpc-link.ts: get congested",
    "shared/rpc/outbox.ts: get size",
  ],
};

const assignments: readonly ts.SyntaxKind[] = [
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
];

/** Getters, setters and assigned functions that a function makes each time it runs. */
function madeOld(path: string, text: string): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Set<string>();
  const visit = (node: ts.Node, isInFunction: boolean): void => {
    if (isInFunction && ts.isBinaryExpression(node) && assignments.includes(node.operatorToken.kind)) {
      const { left } = node;
      let { right } = node;
      while (ts.isParenthesizedExpression(right)) right = right.expression;
      const isFunction = ts.isArrowFunction(right) || ts.isFunctionExpression(right);
      if (isFunction && (ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left)))
        found.add(`${path}: ${left.getText()} =`);
    }
    if (isInFunction && ts.isAccessor(node) && ts.isObjectLiteralExpression(node.parent))
      found.add(`${path}: ${ts.isGetAccessor(node) ? "get" : "set"} ${node.name.getText()}`);
    ts.forEachChild(node, (child) => visit(child, isInFunction || ts.isFunctionLike(node)));
  };
  visit(source, false);
  return [...found];
}

test("nothing that a request needs is made in the old generation", () => {
  const sample = `
    const once = { get a() { return 1; } };
    function each(call) {
      call.done = () => call.rows;
      call.ended ??= (function () {});
      const done = () => call.rows;
      return { done, end() {}, get rows() { return call.rows; } };
    }`;
  expect(madeOld("a.ts", sample)).toEqual(["a.ts: call.done =", "a.ts: call.ended =", "a.ts: get rows"]);

  const root = fileURLToPath(new URL("../..", import.meta.url));
  const paths = execFileSync("git", ["ls-files", "gateway/*.ts", "services/*.ts", "shared/*.ts"], {
    cwd: root,
    encoding: "utf8",
  })
    .trim()
    .split("\n")
    .filter((path) => !/test|fixture|simulator|shared\/gen\//.test(path));
  const found = paths.flatMap((path) => madeOld(path, readFileSync(join(root, path), "utf8")));
  expect(found.sort()).toEqual(Object.values(madeSeldom).flat().sort());
});
