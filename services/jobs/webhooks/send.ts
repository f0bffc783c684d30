import { Agent, buildConnector, request } from "undici";
import { AddressRefused, type Guard } from "../../../shared/outbound/guard.ts";
import type { AddressCheck } from "./address.ts";

/** What came of a try. */
export interface Sent {
  /** Status of the answer; 0: there was none. */
  readonly status: number;
  /** Why it did not arrive, a sentence; empty: it did. */
  readonly error: string;
}

/** Sends messages to receivers. */
export interface Sender {
  /** Never throws. A message has arrived when the head of an answer with 2xx has come in time. */
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Sent>;
  close(): Promise<void>;
}

/** Most of an answer that is read before its connection is closed, bytes. */
const maxAnswerBytes = 16 * 1024;

/** Creates one. Each try has a connection of its own, which goes to addresses that the guard has checked. */
export function createSender(guard: Guard, check: AddressCheck, timeoutMs: number): Sender {
  const connector = buildConnector({ timeout: timeoutMs, allowH2: false, lookup: guard.lookup });
  const agent = new Agent({ allowH2: false, connect: guard.checked(connector), connections: null });

  async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Sent> {
    const refusal = await check.refusalOf(url);
    if (refusal !== undefined) return { status: 0, error: `Its address ${refusal}.` };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: "POST",
        reset: true,
        headers: { "content-type": "application/json", "user-agent": "throughline", ...headers },
        body,
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      // The body of the answer is of no use, but a receiver that is cut off while it speaks may log an error.
      await answer.body.dump({ limit: maxAnswerBytes, signal }).catch(() => undefined);
      return { status: answer.statusCode, error: errorOf(answer.statusCode) };
    } catch (error) {
      return { status: 0, error: whyNot(error, signal.aborted, timeoutMs) };
    }
  }

  return { send: post, close: () => agent.destroy() };
}

function errorOf(status: number): string {
  if (status >= 200 && status < 300) return "";
  if (status >= 300 && status < 400) return `It answered ${status}: redirects are not followed.`;
  return `It answered ${status}.`;
}

/** Words without addresses: what a name leads to is nobody's business. */
function whyNot(error: unknown, timedOut: boolean, timeoutMs: number): string {
  const causes = [error, error instanceof Error ? error.cause : undefined];
  if (causes.some((cause) => cause instanceof AddressRefused)) return "Its host has no public address.";
  if (timedOut) return `It did not answer within ${timeoutMs / 1_000} s.`;
  const code: unknown = Reflect.get(Object(error), "code");
  return `It could not be reached${typeof code === "string" && /^[A-Z_]{3,40}$/.test(code) ? ` (${code})` : ""}.`;
}
