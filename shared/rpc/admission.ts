import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import { createComplaint } from "./complaint.ts";
import { type PeerSecrets, refusal, secretOf } from "./peer-secret.ts";
import type { RpcLog } from "./types.ts";

/** Who may call a server. */
export interface Admission {
  /** True: the call may go on. False: it is to be ended with `refusal`; it was counted and logged. */
  admits(path: string, metadata: Metadata, peer: string): boolean;
  /** Asks of every call but those of `lanes`, which ask by themselves, before a message is read. */
  interceptor(lanes: ReadonlySet<string>): ServerInterceptor;
}

/** Probes of an orchestrator know no secret, so they may come without one. */
const openToAll = "/grpc.health.v1.Health/";

/**
 * Admits calls that carry one of the secrets. A health check may come without a secret, but not with a wrong one: that is
 * how a process of ours learns that its calls would be refused. Without secrets everybody is admitted.
 */
export function createAdmission(
  secrets: PeerSecrets | undefined,
  { log, onRefused }: { log?: RpcLog | undefined; onRefused?: (() => void) | undefined },
): Admission {
  const refused = createComplaint(log, "calls without this deployment's GRPC_SECRET are refused");
  function admits(path: string, metadata: Metadata, peer: string): boolean {
    if (secrets === undefined) return true;
    const given = secretOf(metadata);
    if (given === undefined ? path.startsWith(openToAll) : secrets.accepts(given)) return true;
    onRefused?.();
    refused.tell({ method: path, peer, given: given !== undefined });
    return false;
  }
  return {
    admits,
    // A wrapped call costs time with each message, so lanes are handed back as they are.
    interceptor: (lanes) => (method, call) =>
      secrets === undefined || lanes.has(method.path)
        ? (call as ServerInterceptingCall)
        : new ServerInterceptingCall(call, {
            start(next) {
              next({
                onReceiveMetadata(metadata, pass) {
                  if (admits(method.path, metadata, call.getPeer())) pass(metadata);
                  else call.sendStatus({ ...refusal, metadata: null });
                },
              });
            },
          }),
  };
}
