import { failed, ms, nanoUsd, picture, tokens, type Vendor } from "./testing-video-vendor.ts";

const dashscope = (task_status: string, more: object = {}, usage?: object) => ({
  request_id: "r",
  output: { task_id: "t-1", task_status, ...more },
  ...(usage === undefined ? {} : { usage }),
});

/** The vendors of videos that the adapter openai speaks to, by name. */
export const flavoured: Readonly<Record<string, Vendor>> = {
  openai: {
    adapter: "openai",
    flavour: { vendor: "openai" },
    model: "sora-2",
    start: { path: "/videos", body: { model: "sora-2", prompt: "a river", seconds: "8", size: "1280x720" } },
    started: { answer: { id: "video_1", status: "queued" }, id: "video_1" },
    refused: [[{ error: { code: "rate_limit_exceeded", message: "slow" } }, "upstream_overloaded", true]],
    poll: ["GET", "/videos/video_1"],
    remix: ["POST", "/videos/video_1/remix"],
    cancel: ["DELETE", "/videos/video_1"],
    content: ["GET", "/videos/video_1/content"],
    polls: [
      [{ id: "video_1", status: "queued" }, { state: "queueing" }],
      [
        { id: "video_1", status: "in_progress", progress: 40 },
        { state: "processing", progressPercent: 40 },
      ],
      [
        { id: "video_1", status: "completed", seconds: "8", size: "1280x720", expires_at: 1_790_000_000 },
        { state: "succeeded", seconds: 8, size: "1280x720", expiresUnixMs: 1_790_000_000_000 },
        { more: [ms(8)], traits: { size: "1280x720", resolution: "720p" } },
      ],
      [
        { id: "video_1", status: "failed", error: { code: "moderation_blocked", message: "no" } },
        failed("content_filtered", "no"),
      ],
      [
        { id: "video_1", status: "failed", error: { code: "x", message: "see https://a.example/1" } },
        failed("upstream_error", "see [link]"),
      ],
      [
        { id: "video_1", status: "dreaming" },
        { state: "unknown", word: "dreaming" },
      ],
      [
        { id: "video_1", status: "constructor" },
        { state: "unknown", word: "constructor" },
      ],
    ],
  },
  azure: {
    adapter: "openai",
    flavour: { vendor: "azure" },
    model: "my-sora",
    start: { path: "/openai/v1/videos?api-version=preview", body: { model: "my-sora", seconds: "8" } },
    started: { answer: { id: "v", status: "queued" }, id: "v" },
    poll: ["GET", "/openai/v1/videos/v?api-version=preview"],
    remix: ["POST", "/openai/v1/videos/v/remix?api-version=preview"],
    cancel: ["DELETE", "/openai/v1/videos/v?api-version=preview"],
    content: ["GET", "/openai/v1/videos/v/content?api-version=preview"],
    polls: [[{ id: "v", status: "completed" }, { state: "succeeded" }]],
  },
  dashscope: {
    adapter: "openai",
    flavour: { vendor: "dashscope" },
    model: "wan2.5-t2v-preview",
    start: {
      path: "/services/aigc/video-generation/video-synthesis",
      headers: { "x-dashscope-async": "enable" },
      body: {
        model: "wan2.5-t2v-preview",
        input: { prompt: "a river" },
        parameters: { duration: 8, size: "1280*720" },
      },
      pictured: { input: { prompt: "a river", img_url: picture }, parameters: { duration: 8, resolution: "720P" } },
    },
    started: { answer: dashscope("PENDING"), id: "t-1" },
    refused: [[{ code: "Throttling.RateQuota", message: "slow" }, "upstream_overloaded", true]],
    poll: ["GET", "/tasks/t-1"],
    cancel: ["POST", "/tasks/t-1/cancel"],
    polls: [
      [dashscope("PENDING"), { state: "queueing" }],
      [dashscope("SUSPENDED"), { state: "queueing" }],
      [dashscope("RUNNING"), { state: "processing" }],
      [
        dashscope("SUCCEEDED", { video_url: "https://a.example/1.mp4" }, { video_count: 1, duration: 10, SR: 720 }),
        { state: "succeeded", seconds: 10 },
        { more: [ms(10)], traits: { resolution: "720p" } },
      ],
      [
        dashscope("SUCCEEDED", {}, { video_duration: 5, video_ratio: "1280*720", video_count: 1 }),
        { state: "succeeded", seconds: 5, size: "1280x720" },
        { more: [ms(5)], traits: { size: "1280x720", resolution: "720p" } },
      ],
      [dashscope("FAILED", { code: "DataInspectionFailed", message: "inappropriate" }), failed("content_filtered")],
      [dashscope("FAILED", { code: "InternalError", message: "boom" }), failed("upstream_error", "boom")],
      [dashscope("CANCELED"), failed("cancelled")],
      [dashscope("UNKNOWN"), { state: "unknown", word: "UNKNOWN" }],
    ],
    result: {
      answers: [dashscope("SUCCEEDED", { video_url: "https://a.example/1.mp4?Signature=x" })],
      url: "https://a.example/1.mp4?Signature=x",
    },
  },
  seedance: {
    adapter: "openai",
    flavour: { vendor: "volcengine" },
    model: "doubao-seedance-1-0-pro-250528",
    start: {
      path: "/contents/generations/tasks",
      body: {
        model: "doubao-seedance-1-0-pro-250528",
        content: [{ type: "text", text: "a river" }],
        duration: 8,
        resolution: "720p",
        ratio: "16:9",
      },
      pictured: {
        content: [
          { type: "text", text: "a river" },
          { type: "image_url", image_url: { url: picture }, role: "first_frame" },
        ],
      },
    },
    started: { answer: { id: "cgt-1" }, id: "cgt-1" },
    refused: [[{ error: { code: "AccountOverdueError", message: "insufficient balance" } }, "upstream_error", true]],
    poll: ["GET", "/contents/generations/tasks/cgt-1"],
    cancel: ["DELETE", "/contents/generations/tasks/cgt-1"],
    polls: [
      [{ id: "cgt-1", status: "queued" }, { state: "queueing" }],
      [{ id: "cgt-1", status: "running" }, { state: "processing" }],
      [
        {
          ...{ id: "cgt-1", status: "succeeded", content: { video_url: "https://a.example/1" }, resolution: "720p" },
          ...{ duration: 8, generate_audio: false, usage: { completion_tokens: 172_800, total_tokens: 172_800 } },
        },
        { state: "succeeded", seconds: 8 },
        { more: [tokens(172_800), ms(8)], traits: { resolution: "720p", variant: "silent" } },
      ],
      [
        { id: "cgt-1", status: "failed", error: { code: "OutputVideoSensitiveContentDetected", message: "no" } },
        failed("content_filtered"),
      ],
      [
        { id: "cgt-1", status: "failed", error: { code: "InternalServiceError", message: "" } },
        failed("upstream_error"),
      ],
      [{ id: "cgt-1", status: "cancelled" }, failed("cancelled")],
      [{ id: "cgt-1", status: "expired" }, failed("expired")],
      [{ id: "cgt-1", status: "paused" }, { state: "unknown" }],
    ],
    result: {
      answers: [{ id: "cgt-1", status: "succeeded", content: { video_url: "https://a.example/1" } }],
      url: "https://a.example/1",
    },
  },
  zhipu: {
    adapter: "openai",
    flavour: { vendor: "zhipu" },
    model: "cogvideox-3",
    start: {
      path: "/videos/generations",
      body: { model: "cogvideox-3", prompt: "a river", duration: 8, size: "1280x720" },
      pictured: { image_url: picture },
    },
    started: { answer: { id: "z1", request_id: "r", task_status: "PROCESSING" }, id: "z1" },
    refused: [[{ error: { code: "1302", message: "busy" } }, "upstream_overloaded", true]],
    poll: ["GET", "/async-result/z1"],
    polls: [
      [{ id: "z1", task_status: "PROCESSING" }, { state: "processing" }],
      [{ id: "z1", task_status: "SUCCESS", video_result: [{ url: "https://a.example/1" }] }, { state: "succeeded" }],
      [{ id: "z1", task_status: "FAIL" }, failed("upstream_error")],
      [{ id: "z1", task_status: "FAIL", error: { code: "1301", message: "x" } }, failed("content_filtered")],
      [{ id: "z1", task_status: "WAITING" }, { state: "unknown" }],
    ],
    result: {
      answers: [{ id: "z1", task_status: "SUCCESS", video_result: [{ url: "https://a.example/1" }] }],
      url: "https://a.example/1",
    },
  },
  minimax: {
    adapter: "openai",
    flavour: { vendor: "minimax" },
    model: "MiniMax-Hailuo-2.3",
    start: {
      path: "/video_generation",
      body: { model: "MiniMax-Hailuo-2.3", prompt: "a river", duration: 8, resolution: "768P" },
      pictured: { first_frame_image: picture },
    },
    started: { answer: { task_id: "106", base_resp: { status_code: 0, status_msg: "success" } }, id: "106" },
    refused: [
      [{ task_id: "", base_resp: { status_code: 1002, status_msg: "rate limit" } }, "upstream_overloaded", true],
      [{ task_id: "", base_resp: { status_code: 1008, status_msg: "balance" } }, "upstream_error", true],
      [{ task_id: "", base_resp: { status_code: 1026, status_msg: "sensitive" } }, "invalid_value", false],
      [{ task_id: "", base_resp: { status_code: 2013, status_msg: "invalid params" } }, "invalid_value", false],
    ],
    poll: ["GET", "/query/video_generation?task_id=106"],
    polls: [
      [{ task_id: "106", status: "Preparing" }, { state: "queueing" }],
      [{ task_id: "106", status: "Queueing" }, { state: "queueing" }],
      [{ task_id: "106", status: "Processing" }, { state: "processing" }],
      [{ task_id: "106", status: "Success", file_id: "205", base_resp: { status_code: 0 } }, { state: "succeeded" }],
      [
        { task_id: "106", status: "Fail", base_resp: { status_code: 1027, status_msg: "x" } },
        failed("content_filtered"),
      ],
      [{ task_id: "106", status: "Fail", base_resp: { status_code: 0, status_msg: "" } }, failed("upstream_error")],
      [{ task_id: "106", status: "Napping" }, { state: "unknown" }],
    ],
    result: {
      answers: [
        { task_id: "106", status: "Success", file_id: "205", base_resp: { status_code: 0 } },
        { file: { file_id: 205, download_url: "https://a.example/1" }, base_resp: { status_code: 0 } },
      ],
      url: "https://a.example/1",
    },
  },
  openrouter: {
    adapter: "openai",
    flavour: { vendor: "openrouter" },
    model: "google/veo-3.1",
    start: {
      path: "/videos",
      body: { model: "google/veo-3.1", prompt: "a river", duration: 8, size: "1280x720" },
      pictured: {
        frame_images: [{ type: "image_url", image_url: { url: picture }, frame_type: "first_frame" }],
      },
    },
    started: { answer: { id: "gen-vid-1", polling_url: "https://a.example/x", status: "pending" }, id: "gen-vid-1" },
    poll: ["GET", "/videos/gen-vid-1"],
    content: ["GET", "/videos/gen-vid-1/content?index=0"],
    polls: [
      [{ id: "gen-vid-1", status: "pending" }, { state: "queueing" }],
      [{ id: "gen-vid-1", status: "in_progress" }, { state: "processing" }],
      [
        { id: "gen-vid-1", status: "completed", usage: { cost: 0.5 } },
        { state: "succeeded" },
        { more: [nanoUsd(500_000_000n)] },
      ],
      [{ id: "gen-vid-1", status: "failed", error: "flagged by moderation" }, failed("content_filtered")],
      [{ id: "gen-vid-1", status: "cancelled" }, failed("cancelled")],
      [{ id: "gen-vid-1", status: "expired" }, failed("expired")],
      [{ id: "gen-vid-1", status: "thinking" }, { state: "unknown" }],
    ],
  },
};
