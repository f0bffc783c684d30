import type { Command } from "commander";

/*
 * What the administration commands share. Exit codes: 0 done, 1 failed, 2 wrong usage.
 */

/** A failure whose words are meant for the person at the terminal. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** Adds --json and runs the command: what it gives is printed as JSON, or as text by `show`. */
export function prints<A extends readonly unknown[], T>(
  command: Command,
  run: (...args: A) => Promise<T>,
  show: (result: T) => string,
): void {
  command.option("--json", "print JSON, for programs").action(async (...args: unknown[]) => {
    const json = wantsJson(command);
    await guarded(json, async () => {
      const result = await run(...(args as unknown as A));
      process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : show(result));
    });
  });
}

/** Whether --json was given. */
export function wantsJson(command: Command): boolean {
  return command.opts<{ json?: boolean }>().json === true;
}

/** Runs a command; a failure is told on standard error and makes the exit code 1. */
export async function guarded(json: boolean, run: () => Promise<void>): Promise<void> {
  // The reader of the output may stop early (`| head`): that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  try {
    await run();
  } catch (error) {
    const told = failureOf(error);
    process.stderr.write(json ? `${JSON.stringify({ error: told })}\n` : `throughline: ${inWords(told)}\n`);
    process.exitCode = 1;
  }
}

interface Failure {
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly request_id?: string;
}

function inWords({ message, code, request_id }: Failure): string {
  const facts = [code, request_id && `request ${request_id}`].filter(Boolean).join(", ");
  return facts === "" ? message : `${message} (${facts})`;
}

/** What went wrong, as the platform's own errors, a gateway that is not there, or an unforeseen fault. */
function failureOf(error: unknown): Failure {
  const data: unknown = Reflect.get(Object(error), "data");
  if (error instanceof Error && typeof data === "object" && data !== null) {
    const field = (name: string) => {
      const value: unknown = Reflect.get(data, name);
      return typeof value === "string" && value !== "" ? { [name]: value } : {};
    };
    return { message: error.message, ...field("code"), ...field("param"), ...field("request_id") };
  }
  if (error instanceof Error && /fetch failed/.test(`${error.message} ${String(error.cause)}`)) {
    return { message: "the gateway cannot be reached: is it running, and is THROUGHLINE_URL right?" };
  }
  // tRPC's client could not read the answer: another path of the gateway, another program, a proxy's page of HTML.
  if (error instanceof Error && error.name === "TRPCClientError" && isUnreadable(error)) {
    return {
      message:
        "what answers is not the gateway's administration: THROUGHLINE_URL is its address alone, without /v1, such as http://127.0.0.1:8080",
    };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}

function isUnreadable({ message, cause }: Error): boolean {
  return cause instanceof SyntaxError || /transform response/.test(message);
}
