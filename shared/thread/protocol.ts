import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorSchema } from "../gen/throughline/common/v1/common_pb.ts";

/** What a thread is told. */
export type ToThread =
  /** One call. `timeoutMs` counts from the moment at which the thread reads it. */
  | {
      readonly kind: "call";
      readonly id: number;
      readonly input: unknown;
      readonly requestId: bigint;
      readonly traceparent: string;
      readonly timeoutMs: number;
    }
  /** Its caller no longer waits. */
  | { readonly kind: "cancel"; readonly id: number }
  /** It shall let go of what it holds and end. */
  | { readonly kind: "stop" };

/** What a thread says. */
export type FromThread =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly output: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: MessageInitShape<typeof ErrorSchema> }
  /** A fault of the thread's own, for the log. */
  | { readonly kind: "fault"; readonly text: string };
