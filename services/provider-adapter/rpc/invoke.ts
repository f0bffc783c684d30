import { ThroughlineError } from "../../../shared/errors/error.ts";
import { createHead, createOutcome } from "../../../shared/gen/lane_codecs.ts";
import type { Candidate } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import { formatRequestId } from "../../../shared/request-id.ts";
import { type FrameSink, type StreamCall, streamHandler } from "../../../shared/rpc/index.ts";
import { endCall } from "../../../shared/telemetry/index.ts";
import type { OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import type { Exchange } from "../domain/exchange.ts";
import { unpricedNotes } from "../domain/unpriced.ts";
import { startAttempt } from "../engine/attempt.ts";
import type { AttemptResult, RunningAttempt } from "../engine/attempt-result.ts";
import { firstByteMsOf, logBug, reportAttempt } from "../engine/report-attempt.ts";
import { type Unacknowledged, unacknowledged } from "../lost-gateways/close.ts";
import { asksForText } from "../modules/audio/transcription.ts";
import type { Pass } from "../resilience/channel-health.ts";
import { neutral } from "../resilience/verdict.ts";
import { formParameters, type RequestParameters, requestParameters } from "../wire/request-parameters.ts";
import { askedOf } from "./asked.ts";
import { translateLine } from "./batch-line.ts";
import { channelFor } from "./channel-for.ts";
import { fillOutcome } from "./fill-outcome.ts";
import { credentialsFor } from "./job-credentials.ts";
import { lineActionOf } from "./job-steps.ts";

/** Most credentials of one channel that one request tries. */
const maxCredentials = 4;

/**
 * Tries the candidates in order until one brings content; frames go back in the client's dialect; ends with the outcome.
 * Channels that are not well are left out while others are left, and tried when none is.
 */
export function invoke(context: ProviderContext) {
  return streamHandler<InvokeItem, Frame, Outcome>((call, out) => {
    const line = lineActionOf(call.item.job);
    return line === undefined ? createWalk(context, call, out).run() : translateLine(context, call, out, line);
  });
}

/** One request's way along its candidates. */
function createWalk(context: ProviderContext, call: StreamCall<InvokeItem>, out: FrameSink<Frame>) {
  const { item } = call;
  const arrivedMs = performance.now() - Number(item.elapsedUs) / 1_000;
  const clockUs = () => Math.round((performance.now() - arrivedMs) * 1_000);
  const outcome = createOutcome({});
  const skips: string[] = [];
  /** Candidates whose channel was not well. */
  const skipped: number[] = [];
  let { body } = item;
  let running: RunningAttempt | undefined;
  let cancelled = false;
  let last: AttemptResult | undefined;
  let error: ThroughlineError | undefined;
  const invocation = context.spans.invoke(call);

  async function run(): Promise<Outcome> {
    call.onStop(() => {
      cancelled = true;
      running?.cancel();
    });
    out.onPauseChange((paused) => {
      if (paused) running?.pause();
      else running?.resume();
    });
    if (context.images === undefined || item.form.length > 0 || (await inline(context.images))) await walk();
    outcome.notes.unshift(...skips);
    fillOutcome(outcome, last, cancelled, error);
    endCall(invocation, cancelled ? "client_closed_request" : error?.code);
    const kept = unacknowledged(call, outcome, last?.whole, clockUs());
    if (kept !== undefined) call.unlessAcknowledged(closeLater(context, kept));
    return outcome;
  }

  /** Puts images into the body for all candidates. False: the request is decided. */
  async function inline(images: NonNullable<ProviderContext["images"]>): Promise<boolean> {
    try {
      body = await images.inline(body, call.signal);
    } catch (thrown) {
      error = ThroughlineError.from(thrown);
      if (error.code === "internal_error" && !cancelled) logBug(context, call, thrown);
    }
    return error === undefined;
  }

  async function walk(): Promise<void> {
    for (let index = 0; index < item.candidates.length; index += 1) if (await tryCandidate(index, false)) return;
    for (const index of skipped) if (await tryCandidate(index, true)) return;
  }

  /** Tries one candidate. True: the request is decided. */
  async function tryCandidate(index: number, force: boolean): Promise<boolean> {
    const candidate = item.candidates[index];
    if (cancelled || candidate === undefined) return true;
    try {
      const found = channelFor(item, candidate.channel, context.channels);
      const channel = found instanceof Promise ? await found : found;
      if (channel === undefined) {
        outcome.jobLost = true;
        throw new ThroughlineError("service_unavailable", "The channel of the job was removed.");
      }
      return await tryChannel(channel, candidate, index, force);
    } catch (thrown) {
      error = ThroughlineError.from(thrown);
      if (error.code === "internal_error") logBug(context, call, thrown);
      // The client must change what this channel's format cannot express; another channel may be able to express it.
      return error.code !== "service_unavailable" && error.code !== "invalid_value";
    }
  }

  /** Tries a channel, with one credential after the other while it is they that are refused. */
  async function tryChannel(
    channel: OpenChannel,
    candidate: Candidate,
    index: number,
    force: boolean,
  ): Promise<boolean> {
    const health = context.health.of(channel);
    const tried = new Set<string>();
    while (tried.size < maxCredentials) {
      if (cancelled) return true;
      const pass = health.enter({ credentials: credentialsFor(channel.credentials, item.job), tried, force });
      if (typeof pass === "string") {
        if (!force && tried.size === 0) {
          skipped.push(index);
          skips.push(`channel ${channel.name} skipped: ${pass}`);
        }
        return false;
      }
      outcome.candidate = index;
      last = await attempt(channel, candidate, pass);
      outcome.attempts.push(last.attempt);
      error = last.error;
      if (error === undefined || !last.failover) return true;
      if (last.verdict.kind !== "credential") return false;
      tried.add(pass.credential);
    }
    return false;
  }

  /**
   * One attempt from its leave to its report; each of its calls of the upstream is told to spans, metrics and log. Throws
   * what kept it from beginning.
   */
  async function attempt(channel: OpenChannel, candidate: Candidate, pass: Pass): Promise<AttemptResult> {
    let result: AttemptResult | undefined;
    try {
      if (!context.ids.leaseValid()) await context.ids.renewed();
      let exchange = exchangeFor(channel, candidate, pass);
      for (;;) {
        const startedMs = performance.now();
        const started = begin(channel, candidate, pass, exchange);
        running = started.running;
        if (cancelled) running.cancel();
        if (out.paused) running.pause();
        result = await running.result;
        outcome.notes = [...exchange.notes, ...result.notes];
        if (result.facts !== undefined) outcome.notes.push(...unpricedNotes(result.facts.usage, candidate.pricing));
        reportAttempt(context, call, { candidate, span: started.span, startedMs, result, cancelled });
        if (result.next === undefined || cancelled) return result;
        outcome.attempts.push(result.attempt);
        exchange = result.next;
      }
    } finally {
      pass.end(
        result === undefined
          ? { verdict: neutral, firstByteMs: 0, code: "", status: 0 }
          : {
              verdict: result.verdict,
              firstByteMs: firstByteMsOf(result),
              code: result.error?.code ?? "",
              status: result.attempt.httpStatus,
            },
      );
    }
  }

  function exchangeFor(channel: OpenChannel, candidate: Candidate, pass: Pass): Exchange {
    const makeExchange = channel.adapter.exchanges[item.dialect];
    if (makeExchange === undefined) {
      throw new ThroughlineError("invalid_value", "This model is not available on this endpoint.", { param: "model" });
    }
    return makeExchange(askedOf(call, { candidate, channel, credential: pass.credential, body }));
  }

  function begin(channel: OpenChannel, candidate: Candidate, pass: Pass, exchange: Exchange) {
    const attemptId = context.ids.next();
    if (last !== undefined && error !== undefined) {
      const { channel: failed } = last.attempt;
      context.spans.retried(invocation, { attempt: outcome.attempts.length, channel: failed, code: error.code });
    }
    const { traceparent } = invocation;
    const span = context.spans.upstreamAttempt(
      { requestId: call.requestId, traceparent },
      {
        attemptId,
        attempt: outcome.attempts.length + 1,
        channel: channel.name,
        provider: channel.platform,
        module: moduleNameOf(item.module),
        model: candidate.upstreamModel,
        stream: item.stream,
        outputType: asksForText(item.dialect) ? "text" : undefined,
        serverAddress: channel.host,
        serverPort: channel.port,
        parameters: () => parametersOf(item),
      },
    );
    let headSent = false;
    const running = startAttempt(
      context,
      {
        channel,
        candidate,
        exchange,
        pass,
        stream: item.stream,
        span,
        attemptId,
        requestIdText: formatRequestId(call.requestId, context.config.idStyle),
        clockUs,
      },
      {
        write(data, upstreamRequestId, { contentType, contentLength = 0, status = 0, contentRange = "" }) {
          if (headSent) return out.write({ data });
          headSent = true;
          context.spans.began(span);
          out.write({
            data,
            head: createHead({
              upstreamRequestId,
              contentType,
              contentLength: BigInt(contentLength),
              channel: channel.name,
              attemptId,
              httpStatus: status,
              contentRange,
            }),
          });
        },
      },
    );
    return { running, span };
  }

  return { run };
}

function parametersOf({ body, form }: InvokeItem): RequestParameters {
  if (form.length === 0) return requestParameters(body);
  return formParameters(
    form.flatMap(({ name, content }) => (content.case === "value" ? [{ name, value: content.value }] : [])),
  );
}

/** A function of its own: what it leads to is kept until the gateway has acknowledged, and a walk leads to the body. */
function closeLater({ lostGateways }: ProviderContext, kept: Unacknowledged): () => void {
  return () => lostGateways.close(kept);
}
