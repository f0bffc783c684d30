import type { RouterOutputs } from "@throughline/client";
import { useWords } from "../app-context.tsx";
import { Badge, type Tone } from "./parts.tsx";

/** How far a request is. */
export type RequestStatus = RouterOutputs["requests"]["list"]["requests"][number]["status"];

const tones: Readonly<Record<RequestStatus, Tone>> = {
  succeeded: "good",
  failed: "bad",
  processing: "info",
  pending: "calm",
  queueing: "calm",
};

/** How far a request is, as a badge. */
export function Status({ status }: { status: RequestStatus }) {
  const { life } = useWords();
  return <Badge tone={tones[status]}>{life.statuses[status]}</Badge>;
}
