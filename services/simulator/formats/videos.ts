import { createHash } from "node:crypto";
import { cut, deliverBytes, deliverError, deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type SimulatedError, type Target } from "../exchange.ts";
import { failureOf } from "../failures.ts";
import { type JobMoment, momentOf, resultOf, type SimulatedJob } from "../jobs.ts";
import { type Json, objectOf, stringOf } from "../json.ts";
import type { SimulatedForm } from "./audio.ts";
import { openaiFormat } from "./openai.ts";

const hourMs = 3_600_000;
const contentTypes: Readonly<Record<string, string>> = {
  video: "video/mp4",
  thumbnail: "image/webp",
  spritesheet: "image/jpeg",
};

/** POST /v1/videos, as a form or as JSON: begins a job that ends by the clock. */
export const createVideo: Route = {
  format: openaiFormat,
  readsBody: true,
  readsForm: "either",
  answer(exchange, body) {
    const { behaviour, model } = exchange;
    const field = fieldsOf(body);
    const prompt = field("prompt");
    if (prompt === "") throw new InvalidRequest("'$.prompt' is invalid: it must not be empty.", "prompt");
    if (behaviour.jobStart === "refused") return deliverError(exchange, openaiFormat, refusal);
    const job = exchange.jobs.add({
      model,
      prompt,
      seconds: field("seconds") || "4",
      size: field("size") || "720x1280",
      reference: referenceOf(body),
      behaviour,
    });
    exchange.callbacks.begun(job, field("callback_url"));
    if (behaviour.jobStart === "lost") cut(exchange);
    else deliverJson(exchange, openaiFormat, JSON.stringify(videoOf(job, momentOf(job, Date.now()))));
  },
};

/** POST /v1/videos/{id}/remix: begins a job like that of a video that was made, with another prompt. */
export const remixVideo: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body, target) {
    const [source, moment] = known(exchange, target);
    if (source === undefined) return deliverError(exchange, openaiFormat, unknownJob);
    if (moment.state !== "done") return deliverError(exchange, openaiFormat, notReady);
    const prompt = stringOf(body.prompt);
    if (prompt === "") throw new InvalidRequest("'$.prompt' is invalid: it must not be empty.", "prompt");
    const { model, seconds, size, reference, behaviour } = source;
    const job = exchange.jobs.add({ model, prompt, seconds, size, reference, behaviour });
    const video = videoOf(job, momentOf(job, Date.now()));
    deliverJson(exchange, openaiFormat, JSON.stringify({ ...video, remixed_from_video_id: source.id }));
  },
};

/** GET /v1/videos: the jobs, the newest first. */
export const listVideos: Route = {
  format: openaiFormat,
  readsBody: false,
  answer(exchange) {
    const data = exchange.jobs.list().map((job) => videoOf(job, momentOf(job, Date.now())));
    const page = { object: "list", data: data.reverse(), has_more: false };
    deliverJson(exchange, openaiFormat, JSON.stringify({ ...page, first_id: data[0]?.id, last_id: data.at(-1)?.id }));
  },
};

/** GET /v1/videos/{id}. */
export const retrieveVideo: Route = {
  format: openaiFormat,
  readsBody: false,
  answer(exchange, _body, target) {
    const [job, moment] = known(exchange, target);
    if (job === undefined) return deliverError(exchange, openaiFormat, unknownJob);
    job.polls += 1;
    if (job.behaviour.jobPollRefused && job.polls % 2 === 1) {
      return deliverError(exchange, openaiFormat, failureOf(429));
    }
    deliverJson(exchange, openaiFormat, JSON.stringify(videoOf(job, moment)));
  },
};

/** DELETE /v1/videos/{id}: what runs is given up, what has ended is deleted. */
export const deleteVideo: Route = {
  format: openaiFormat,
  readsBody: false,
  answer(exchange, _body, target) {
    const [job] = known(exchange, target);
    if (job === undefined) return deliverError(exchange, openaiFormat, unknownJob);
    exchange.jobs.delete(job.id);
    deliverJson(exchange, openaiFormat, JSON.stringify({ id: job.id, object: "video.deleted", deleted: true }));
  },
};

/** GET /v1/videos/{id}/content: bytes that follow from the ID, or the part of them that Range asks for. */
export const videoContent: Route = {
  format: openaiFormat,
  readsBody: false,
  answer(exchange, _body, target) {
    const [job, moment] = known(exchange, target);
    const variant = new URLSearchParams(target.query).get("variant") ?? "video";
    const contentType = contentTypes[variant];
    if (job === undefined) return deliverError(exchange, openaiFormat, unknownJob);
    if (contentType === undefined) throw new InvalidRequest(`variant '${variant}' is not supported`, "variant");
    if (moment.state !== "done") return deliverError(exchange, openaiFormat, notReady);
    exchange.behaviour = job.behaviour;
    const result = resultOf(job.id, variant);
    const { range } = exchange.request.headers;
    const part = range === undefined ? undefined : partOf(range, result.length);
    if (part === "outside") return deliverError(exchange, openaiFormat, failureOf(416));
    deliverBytes(exchange, openaiFormat, { contentType, ...result, ...(part === undefined ? {} : { part }) });
  },
};

const refusal: SimulatedError = {
  ...failureOf(400),
  code: "moderation_blocked",
  message: "Simulated: your request was blocked by our moderation system.",
  param: "prompt",
};
const unknownJob: SimulatedError = {
  ...failureOf(404),
  code: "not_found",
  message: "Simulated: there is no such video.",
};
const notReady: SimulatedError = {
  ...failureOf(400),
  code: "video_not_ready",
  message: "Simulated: the video has not been completed.",
};

/** The job that a path names, and where it stands; none where it is forgotten. */
function known({ jobs }: Exchange, { id = "" }: Target): [SimulatedJob, JobMoment] | [undefined] {
  const job = jobs.find(id);
  if (job === undefined) return [undefined];
  const moment = momentOf(job, Date.now());
  return moment.state === "forgotten" ? [undefined] : [job, moment];
}

const statuses: Readonly<Record<JobMoment["state"], string>> = {
  waiting: "queued",
  running: "in_progress",
  done: "completed",
  failed: "failed",
  filtered: "failed",
  forgotten: "completed",
};
const errors: Readonly<Partial<Record<JobMoment["state"], Json>>> = {
  failed: { code: "generation_failed", message: "Simulated: the video could not be made." },
  filtered: { code: "moderation_blocked", message: "Simulated: the video was blocked by our moderation system." },
};

function videoOf({ id, model, prompt, seconds, size, createdAtMs, behaviour }: SimulatedJob, moment: JobMoment): Json {
  const { state, progressPercent, endedAtMs } = moment;
  const isPuzzling = behaviour.jobPuzzles && state === "running";
  return {
    id,
    object: "video",
    model,
    status: isPuzzling ? "pondering" : statuses[state],
    progress: progressPercent,
    created_at: Math.floor(createdAtMs / 1_000),
    completed_at: state === "done" ? Math.floor(endedAtMs / 1_000) : null,
    expires_at: state === "done" ? Math.floor((endedAtMs + hourMs) / 1_000) : null,
    seconds,
    size,
    prompt,
    remixed_from_video_id: null,
    error: errors[state] ?? null,
  };
}

/** The part that a Range asks for; undefined: all of it, as for what is none. */
function partOf(range: string, length: number): readonly [number, number] | "outside" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (first === "" && last === "") return undefined;
  const from = first === "" ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? length : Math.min(length, Number(last) + 1);
  return from >= length || to <= from ? "outside" : [from, to];
}

function fieldsOf(body: Json): (name: string) => string {
  const { form } = body as { form?: SimulatedForm };
  return form === undefined ? (name) => stringOf(body[name]) : (name) => form.texts.get(name)?.[0] ?? "";
}

/** Digest of the picture, from a form's file or from a data URL. */
function referenceOf(body: Json): string {
  const { form } = body as { form?: SimulatedForm };
  const [, base64] = /^data:[^,]*;base64,(.*)$/s.exec(stringOf(objectOf(body.input_reference).image_url)) ?? [];
  const bytes =
    form?.files.get("input_reference") ?? (base64 === undefined ? undefined : Buffer.from(base64, "base64"));
  return bytes === undefined ? "" : createHash("sha256").update(bytes).digest("hex");
}
