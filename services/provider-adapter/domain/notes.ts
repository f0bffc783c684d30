import { shorten } from "../../../shared/shorten.ts";
import type { Note } from "../modules/chat/neutral/formats.ts";

/** Most notes of a request: what is beyond is counted. */
export const maxNotes = 50;
/** Longest note, in characters. */
export const maxNoteLength = 200;
/** Longest name of a client's making within a note. */
const maxNameLength = 80;

/** The notes of one request: things that were dropped or changed, each told once. */
export interface Notes {
  readonly note: Note;
  /** The notes so far; the last one says how many were left out. */
  list(): readonly string[];
}

/** Begins the notes of a request. They name what clients made up, so their number and their length are bounded. */
export function createNotes(): Notes {
  const kept = new Set<string>();
  let leftOut = 0;
  return {
    note(text) {
      const short = shorten(text, maxNoteLength);
      if (kept.has(short)) return;
      if (kept.size < maxNotes) kept.add(short);
      else leftOut++;
    },
    list() {
      return leftOut === 0 ? [...kept] : [...kept, `${leftOut} more notes were left out`];
    },
  };
}

/** A name of a client's making as a note shows it. */
export function nameOf(name: string): string {
  return shorten(name, maxNameLength);
}

/** Notes the fields of a body that the dialect does not know. Null says "not given". */
export function noteUnknownFields(body: object, known: ReadonlySet<string>, note: Note): void {
  for (const [name, value] of Object.entries(body)) {
    if (known.has(name) || value === null || value === undefined) continue;
    note(`${nameOf(name)} dropped: the upstream's format has no such field`);
  }
}
