import { videoAdapter } from "../video-adapter.ts";
import { runwayVideo } from "./video.ts";

/** Runway. The base URL ends before the version. */
export const runwayAdapter = videoAdapter({
  sign: (credential) => ({ authorization: `Bearer ${credential}` }),
  format: runwayVideo,
  rules: [{ status: 400, message: /credits/i, means: "no_credit" }],
});
