import { videoAdapter } from "../video-adapter.ts";
import { replicateVideo } from "./video.ts";

/** Replicate. The base URL ends behind the version (`/v1`). */
export const replicateAdapter = videoAdapter({
  sign: (credential) => ({ authorization: `Bearer ${credential}` }),
  format: replicateVideo,
  rules: [{ status: 402, means: "no_credit" }],
});
