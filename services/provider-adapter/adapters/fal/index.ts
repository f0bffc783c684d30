import { videoAdapter } from "../video-adapter.ts";
import { falVideo } from "./video.ts";

/** fal. The base URL is that of its queue. */
export const falAdapter = videoAdapter({
  sign: (credential) => ({ authorization: `Key ${credential}` }),
  format: falVideo,
  rules: [{ status: 403, message: /exhausted balance|locked/i, means: "no_credit" }],
  requestIdHeaders: ["x-fal-request-id"],
});
