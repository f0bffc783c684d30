import { Unit } from "../../../shared/units.ts";
import { flavoured } from "./testing-video-flavours.ts";
import { failed, ms, nanoUsd, picture, type Vendor } from "./testing-video-vendor.ts";

const kling = (task_status: string, more: object = {}) => ({
  ...{ code: 0, message: "SUCCEED", request_id: "r" },
  data: { task_id: "k1", task_status, ...more },
});
const veo = (made: object) => ({
  name: "models/veo/operations/o1",
  done: true,
  response: { generateVideoResponse: made },
});

/** Every vendor of videos, by its name. */
export const vendors: Readonly<Record<string, Vendor>> = {
  ...flavoured,
  gemini: {
    adapter: "gemini",
    model: "veo-3.1-generate-preview",
    start: {
      path: "/models/veo-3.1-generate-preview:predictLongRunning",
      body: {
        instances: [{ prompt: "a river" }],
        parameters: { durationSeconds: 8, aspectRatio: "16:9", resolution: "720p" },
      },
      pictured: {
        instances: [{ prompt: "a river", image: { bytesBase64Encoded: "aGVsbG8=", mimeType: "image/png" } }],
      },
    },
    started: { answer: { name: "models/veo/operations/o1" }, id: "models/veo/operations/o1" },
    poll: ["GET", "/models/veo/operations/o1"],
    polls: [
      [{ name: "models/veo/operations/o1" }, { state: "processing" }],
      [veo({ generatedSamples: [{ video: { uri: "https://a.example/f" } }] }), { state: "succeeded" }],
      [veo({ raiMediaFilteredCount: 1, raiMediaFilteredReasons: ["not so"] }), failed("content_filtered", "not so")],
      [veo({}), failed("upstream_error")],
      [
        { name: "models/veo/operations/o1", done: true, error: { code: 13, message: "internal" } },
        failed("upstream_error", "internal"),
      ],
    ],
    result: {
      answers: [veo({ generatedSamples: [{ video: { uri: "https://a.example/f:download?alt=media" } }] })],
      url: "https://a.example/f:download?alt=media",
    },
  },
  kling: {
    adapter: "kling",
    model: "kling-v2-5-turbo",
    start: {
      path: "/v1/videos/text2video",
      body: { model_name: "kling-v2-5-turbo", prompt: "a river", duration: "8", aspect_ratio: "16:9" },
      pictured: { image: "aGVsbG8=" },
    },
    started: { answer: kling("submitted"), id: "k1", place: "text2video" },
    refused: [
      [{ code: 1303, message: "parallel task over resource pack limit" }, "upstream_overloaded", true],
      [{ code: 1301, message: "content" }, "invalid_value", false],
      [{ code: 1102, message: "resource pack exhausted" }, "upstream_error", true],
    ],
    poll: ["GET", "/v1/videos/text2video/k1"],
    polls: [
      [kling("submitted"), { state: "queueing" }],
      [kling("processing"), { state: "processing" }],
      [
        kling("succeed", { task_result: { videos: [{ id: "v", url: "https://a.example/1", duration: "5.1" }] } }),
        { state: "succeeded", seconds: 5.1 },
        { more: [{ unit: Unit.OUTPUT_VIDEO_MS, amount: 5_100n }] },
      ],
      [kling("failed", { task_status_msg: "risk control" }), failed("content_filtered", "risk control")],
      [kling("failed", { task_status_msg: "" }), failed("upstream_error")],
      [kling("resting"), { state: "unknown" }],
    ],
    result: {
      answers: [kling("succeed", { task_result: { videos: [{ url: "https://a.example/1" }] } })],
      url: "https://a.example/1",
    },
  },
  runway: {
    adapter: "runway",
    model: "gen4.5",
    start: {
      path: "/v1/text_to_video",
      headers: { "x-runway-version": "2024-11-06" },
      body: { model: "gen4.5", promptText: "a river", duration: 8, ratio: "1280:720" },
      pictured: { promptImage: picture },
    },
    started: { answer: { id: "r1" }, id: "r1" },
    poll: ["GET", "/v1/tasks/r1"],
    cancel: ["DELETE", "/v1/tasks/r1"],
    polls: [
      [{ id: "r1", status: "PENDING" }, { state: "queueing" }],
      [{ id: "r1", status: "THROTTLED" }, { state: "queueing" }],
      [
        { id: "r1", status: "RUNNING", progress: 0.4 },
        { state: "processing", progressPercent: 40 },
      ],
      [
        { id: "r1", status: "SUCCEEDED", output: ["https://a.example/1"], cost: { credits: 60 } },
        { state: "succeeded" },
        { more: [nanoUsd(600_000_000n)] },
      ],
      [
        { id: "r1", status: "FAILED", failure: "no", failureCode: "SAFETY.INPUT.TEXT" },
        failed("content_filtered", "no"),
      ],
      [{ id: "r1", status: "FAILED", failure: "boom", failureCode: "INTERNAL" }, failed("upstream_error", "boom")],
      [{ id: "r1", status: "CANCELLED" }, failed("cancelled")],
      [{ id: "r1", status: "MELTING" }, { state: "unknown" }],
    ],
    result: {
      answers: [{ id: "r1", status: "SUCCEEDED", output: ["https://a.example/1"] }],
      url: "https://a.example/1",
    },
  },
  replicate: {
    adapter: "replicate",
    model: "wan-video/wan-2.5-t2v",
    start: {
      path: "/models/wan-video/wan-2.5-t2v/predictions",
      body: { input: { prompt: "a river", duration: 8, resolution: "720p", aspect_ratio: "16:9" } },
      pictured: { input: { image: picture } },
    },
    started: { answer: { id: "p1", status: "starting" }, id: "p1" },
    poll: ["GET", "/predictions/p1"],
    cancel: ["POST", "/predictions/p1/cancel"],
    polls: [
      [{ id: "p1", status: "starting" }, { state: "queueing" }],
      [{ id: "p1", status: "processing" }, { state: "processing" }],
      [
        { id: "p1", status: "succeeded", output: "https://a.example/1", metrics: { video_output_duration_seconds: 5 } },
        { state: "succeeded", seconds: 5 },
        { more: [ms(5)] },
      ],
      [{ id: "p1", status: "failed", error: "NSFW content" }, failed("content_filtered", "NSFW content")],
      [{ id: "p1", status: "failed", error: "CUDA" }, failed("upstream_error", "CUDA")],
      [{ id: "p1", status: "canceled" }, failed("cancelled")],
      [{ id: "p1", status: "aborted" }, failed("cancelled")],
      [{ id: "p1", status: "waiting" }, { state: "unknown" }],
    ],
    result: {
      answers: [{ id: "p1", status: "succeeded", output: ["https://a.example/1"] }],
      url: "https://a.example/1",
    },
  },
  fal: {
    adapter: "fal",
    model: "fal-ai/kling-video/v2/master/text-to-video",
    start: {
      path: "/fal-ai/kling-video/v2/master/text-to-video",
      body: { prompt: "a river", duration: "8", resolution: "720p", aspect_ratio: "16:9" },
      pictured: { image_url: picture },
    },
    started: { answer: { request_id: "f1", status: "IN_QUEUE" }, id: "f1", place: "fal-ai/kling-video" },
    poll: ["GET", "/fal-ai/kling-video/requests/f1/status"],
    cancel: ["PUT", "/fal-ai/kling-video/requests/f1/cancel"],
    polls: [
      [{ status: "IN_QUEUE", queue_position: 3 }, { state: "queueing" }],
      [{ status: "IN_PROGRESS" }, { state: "processing" }],
      [{ status: "NAPPING" }, { state: "unknown" }],
    ],
    result: {
      answers: [{ status: "COMPLETED" }, { video: { url: "https://a.example/1" } }],
      url: "https://a.example/1",
    },
  },
};
