/** All types of events that an endpoint can ask for, with what each tells. */
export const eventTypes = {
  "video.completed": "A video is there.",
  "video.failed": "A video was not made.",
  "response.completed": "A response of the background is there.",
  "response.incomplete": "A response of the background ended at one of its bounds.",
  "response.failed": "A response of the background failed.",
  "response.cancelled": "A response of the background was cancelled.",
  "batch.completed": "All lines of a batch have been tried.",
  "batch.failed": "A batch was not begun.",
  "batch.expired": "A batch did not end within its time.",
  "batch.cancelled": "A batch was cancelled.",
  "job.succeeded": "Another job (images, audio ...) has its result.",
  "job.failed": "Another job failed.",
  "job.cancelled": "Another job was cancelled.",
  "alert.budget": "An account or a key has used 50, 80 or 100 % of a budget.",
  "alert.job_given_up":
    "The end of a job is not known to us: its upstream's answer was lost, or it did not end within its time.",
  "alert.channel_out": "A channel has been out of turn for a while, by the breakers of half of the providers or more.",
  "alert.channel_back": "A channel that was out is in turn again, or is no longer among the channels.",
} as const;

/** Type of an event. */
export type EventType = keyof typeof eventTypes;

/** Sent to one endpoint when its owner asks for it. */
export const testEventType = "webhook.test";

/** True: an endpoint may ask for this: a type, a family such as "video.*", or "*". */
export function isEventPattern(text: string): boolean {
  return text === "*" || Object.hasOwn(eventTypes, text) || families.has(text);
}

const families: ReadonlySet<string> = new Set(Object.keys(eventTypes).map(familyOf));

/** What an endpoint may have asked for to be told of a type. */
export function patternsOf(type: string): readonly string[] {
  return [type, familyOf(type), "*"];
}

function familyOf(type: string): string {
  return `${type.slice(0, type.indexOf("."))}.*`;
}
