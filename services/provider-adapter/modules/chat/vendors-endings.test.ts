import { StopReason } from "@aws-sdk/client-bedrock-runtime";
import { FinishReason } from "@google/genai";
import { describe, expect, test } from "vitest";
import { finishOf as bedrockFinish, isFailure as isBedrockFailure } from "../../adapters/bedrock/chat/finish.ts";
import { finishOf as geminiFinish, isFailure as isGeminiFailure } from "../../adapters/gemini/chat/finish.ts";

/* Every word that the vendors' own SDKs have for the end of an answer means something here: none ends one as if it were whole. */

const whole: ReadonlySet<string> = new Set(["STOP", "end_turn"]);

describe("Gemini", () => {
  const reasons = Object.values(FinishReason).filter((reason) => reason !== FinishReason.FINISH_REASON_UNSPECIFIED);
  test.each(reasons)("%s", (reason) => {
    expect(geminiFinish(reason, false) === "stop" && !isGeminiFailure(reason)).toBe(whole.has(reason));
  });
});

describe("Bedrock", () => {
  test.each(Object.values(StopReason))("%s", (reason) => {
    expect(bedrockFinish(reason) === "stop" && !isBedrockFailure(reason)).toBe(whole.has(reason));
  });
});
