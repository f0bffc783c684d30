import { createLabelFit } from "../../domain/label-rule.ts";
import type { LabelFits } from "../../modules/chat/neutral/fit-labels.ts";

/** How the vendor takes names of tools (platform.claude.com/docs: "Define tools") and IDs of calls (its errors say the pattern). */
export const messagesLabelFits: LabelFits = {
  names: createLabelFit({ maxLength: 128, minLength: 1, characters: "a-zA-Z0-9_-", first: "" }),
  callIds: createLabelFit({ maxLength: 0, minLength: 1, characters: "a-zA-Z0-9_-", first: "" }),
};
