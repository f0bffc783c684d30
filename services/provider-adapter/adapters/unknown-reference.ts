/*
 * A request may refer to something that is kept at the vendor: a file, an item of an earlier response, a container, a cache.
 * One that is not there is the client's affair, whatever status the vendor gives it: OpenAI and Anthropic answer 404 as for a
 * model that they do not know, Gemini 403 as for a key that it refuses.
 */

/** What vendors keep for their clients, as their messages call it. */
const kept =
  "files?|items?|containers?|vector[ _-]?stores?|skills?|conversations?|(?:previous[ _])?responses?|prompts?|uploads?|threads?|cached ?content|cached content metadata|corpus|corpora|file ?search ?stores?|voices?|connectors?|tunnels?";

/** How they say that it is not there: "Item with id 'rs_1' not found", "You do not have permission to access the File x or it may not exist". */
const notThere = new RegExp(
  [
    `\\b(?:${kept})\\b[^.!]{0,160}?\\b(?:was |were |is |are |could |can)?(?:not (?:be )?found|does not exist|do not exist|doesn't exist|may not exist|no longer exists?|has expired|is expired)`,
    `\\b(?:not found|no such|unknown|expired|could not find)\\b[: ]{0,2}(?:an? |the )?(?:${kept})\\b`,
  ].join("|"),
  "i",
);

/** A model or a path that is not known is a mistake of the channel. */
const ours = /\b(?:model|deployment|endpoint|path|url|route|api version)\b/i;

/** Whether a vendor's message says that what the client refers to is not there. */
export function isUnknownReference(message: string): boolean {
  return notThere.test(message) && !ours.test(message.slice(0, message.search(notThere)));
}
