/** What a client may upload a file for, in OpenAI's words. */
export const uploadPurposes: readonly string[] = ["batch", "user_data", "vision", "assistants", "evals", "fine-tune"];

/** What a list may be asked for beside them. */
export const listedPurposes: readonly string[] = [...uploadPurposes, "batch_output"];

const dayMs = 86_400_000;

/** Input of a batch is of use for days: it goes by itself, as at OpenAI. Other files stay until they are deleted. */
export function usualLifeMs(purpose: string): number {
  return purpose === "batch" ? 30 * dayMs : 0;
}
