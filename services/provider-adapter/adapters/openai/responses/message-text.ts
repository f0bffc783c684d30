import type { Citation } from "../../../modules/chat/neutral/answer.ts";

/** Where a part of a message stands: the place of its item in the output, and its own in that item. */
export interface PartPlace {
  readonly item: number;
  readonly part: number;
}

/**
 * The messages of one response as one text. A response may have several (what the model says while it works, and its answer):
 * other formats have one text, in which each of them is a paragraph.
 */
export interface MessageText {
  /** What a piece of a part adds to the text. */
  textOf(place: PartPlace, piece: string): string;
  /** The message at this place has begun. */
  begin(item: number): void;
  has(item: number): boolean;
  /** A source of a part, which counts places within that part, in the whole text. */
  placed(place: PartPlace, citation: Citation): Citation;
}

const between = "\n\n";

/** Begins with no message. */
export function createMessageText(): MessageText {
  const begun = new Set<number>();
  /** Where the parts begin in the whole text. */
  const starts = new Map<string, number>();
  let length = 0;
  const nameOf = ({ item, part }: PartPlace) => `${item} ${part}`;
  return {
    textOf(place, piece) {
      if (piece === "") return "";
      const gap = length > 0 && !begun.has(place.item) ? between : "";
      begun.add(place.item);
      length += gap.length;
      if (!starts.has(nameOf(place))) starts.set(nameOf(place), length);
      length += piece.length;
      return gap + piece;
    },
    begin(item) {
      begun.add(item);
    },
    has(item) {
      return begun.has(item);
    },
    placed(place, citation) {
      const start = starts.get(nameOf(place)) ?? length;
      const { start: from, end: to } = citation;
      return {
        ...citation,
        ...(from === undefined ? {} : { start: start + from }),
        ...(to === undefined ? {} : { end: start + to }),
      };
    },
  };
}
