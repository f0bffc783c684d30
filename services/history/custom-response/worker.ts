import { parentPort } from "node:worker_threads";
import { compile, TreeInterpreter } from "@jmespath-community/jmespath";

/** One expression to evaluate. */
export interface Job {
  readonly expression: string;
  /** The answer, a JSON document in UTF-8. */
  readonly answer: Uint8Array;
  readonly maxOutputBytes: number;
}

/** What came of it: a JSON document, or what went wrong in words fit for the record. */
export type JobResult = { readonly json: string } | { readonly problem: string };

/** The message by which the thread says that it can work. */
export const ready = "ready";

type ExpressionNode = ReturnType<typeof compile>;

const maxCompiled = 500;
const compiled = new Map<string, ExpressionNode>();
const utf8 = new TextDecoder();

parentPort?.on("message", (job: Job) => parentPort?.postMessage(run(job)));
parentPort?.postMessage(ready);

function run({ expression, answer, maxOutputBytes }: Job): JobResult {
  let document: unknown;
  try {
    document = JSON.parse(utf8.decode(answer));
  } catch {
    return { problem: "the answer is not JSON" };
  }
  let json: string;
  try {
    const found: unknown = TreeInterpreter.search(compiledOf(expression), document as never) ?? null;
    // The history API promises an object or null: a client that reads it by its type could not read the whole page.
    if (typeof found !== "object" || Array.isArray(found)) {
      return { problem: "the result is not an object; give it a name, as in {text: <expression>}" };
    }
    json = JSON.stringify(found);
  } catch (error) {
    return { problem: error instanceof Error ? error.message.slice(0, 200) : "the expression failed" };
  }
  if (Buffer.byteLength(json) > maxOutputBytes) return { problem: `the result is larger than ${maxOutputBytes} bytes` };
  return { json };
}

function compiledOf(expression: string): ExpressionNode {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const fresh = compile(expression);
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(expression, fresh);
  return fresh;
}
