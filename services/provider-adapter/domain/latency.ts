/** When things happened, in microseconds since the arrival of the request at the gateway. */
export interface Moments {
  /** The request was sent upstream. */
  readonly sentUs: number;
  /** First byte of the answer from the upstream. */
  readonly firstByteUs: number;
  /** First chunk with visible content. 0: none yet. */
  readonly firstContentUs: number;
  /** Last byte of the answer from the upstream. */
  readonly lastByteUs: number;
  /** The answer is being written with these figures. */
  readonly nowUs: number;
}

/** The nine figures of `usage.latency_checkpoint`, in whole milliseconds (docs/latency.md defines them). */
export interface LatencyCheckpoint {
  engine_tbt_ms: number;
  engine_ttft_ms: number;
  engine_ttlt_ms: number;
  pre_inference_ms: number;
  service_tbt_ms: number;
  service_ttft_ms: number;
  service_ttlt_ms: number;
  total_duration_ms: number;
  user_visible_ttft_ms: number;
}

/**
 * The figures from what was measured. "engine" is the upstream, from the moment the request was sent to it; "service"
 * is the platform, from the arrival of the request; `tbt` is the mean time between two output tokens.
 */
export function latencyCheckpoint(at: Moments, outputTokens: number): LatencyCheckpoint {
  const gaps = Math.max(1, outputTokens - 1);
  const content = at.firstContentUs === 0 ? at.firstByteUs : at.firstContentUs;
  return {
    engine_tbt_ms: ms((at.lastByteUs - at.firstByteUs) / gaps),
    engine_ttft_ms: ms(at.firstByteUs - at.sentUs),
    engine_ttlt_ms: ms(at.lastByteUs - at.sentUs),
    pre_inference_ms: ms(at.sentUs),
    service_tbt_ms: ms((at.nowUs - at.firstByteUs) / gaps),
    service_ttft_ms: ms(at.firstByteUs),
    service_ttlt_ms: ms(at.lastByteUs),
    total_duration_ms: ms(at.nowUs),
    user_visible_ttft_ms: ms(content),
  };
}

function ms(us: number): number {
  return Math.max(0, Math.round(us / 1_000));
}
