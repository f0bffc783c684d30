import { videoAdapter } from "../video-adapter.ts";
import { signKling } from "./sign.ts";
import { klingRules, klingVideo } from "./video.ts";

/** Kling. The base URL ends before the version; a credential is an access key and its secret with a colon between them, or an API key. */
export const klingAdapter = videoAdapter({ sign: signKling, format: klingVideo, rules: klingRules });
