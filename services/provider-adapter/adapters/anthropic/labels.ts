import { createLabelFit } from "../../domain/label-rule.ts";
import type { LabelFits } from "../../modules/chat/neutral/fit-labels.ts";

/** How the vendor takes names of tools (platform.claude.com/docs: "Define tools") and IDs of calls (its errors say the pattern). */
export const messagesLabelFits: LabelFits = {
  names: createLabelFit({ maxLength: 128, minLength: 1, characters: "a-zA-Z0-9_-", first: "" }),
  callIds: createLabelFit({ maxLength: 0, minLength: 1, characters: "a-zA-Z0-9_-", first: "" }),
};

/** How it takes names of a tool's parameters ("Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'"). */
export const propertyFit = createLabelFit({ maxLength: 64, minLength: 1, characters: "a-zA-Z0-9_.-", first: "" });
