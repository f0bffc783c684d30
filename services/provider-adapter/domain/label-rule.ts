import { createHash } from "node:crypto";

/** What a vendor takes as a label: the name of a tool, or the ID of a call. */
export interface LabelRule {
  /** Most characters; 0: as many as there are. */
  readonly maxLength: number;
  readonly minLength: number;
  /** The characters that it may have, as the inside of a regular expression's class, e.g. "a-zA-Z0-9_-". Empty: any. */
  readonly characters: string;
  /** The characters that it may begin with. Empty: any of them. */
  readonly first: string;
}

/** Any label. */
export const anyLabel: LabelRule = { maxLength: 0, minLength: 0, characters: "", first: "" };

/** Makes labels fit a vendor. What fits stays; what does not becomes the same other label wherever it stands. */
export interface LabelFit {
  /** True: every label fits. */
  readonly takesAll: boolean;
  fits(label: string): boolean;
  /** The label as the vendor takes it. Two labels never become one, but for a chance of one in 10^14. */
  fitted(label: string): string;
}

/** Letters and digits of a label's digest that stand for what was cut off it or is not allowed. */
const digestLength = 9;

/** Prepares a rule. */
export function createLabelFit({ maxLength, minLength, characters, first }: LabelRule): LabelFit {
  const takesAll = maxLength === 0 && minLength === 0 && characters === "" && first === "";
  const allowed = new RegExp(`^[${characters === "" ? "\\s\\S" : characters}]*$`, "u");
  const refused = new RegExp(characters === "" ? "[]" : `[^${characters}]`, "gu");
  const begins = new RegExp(`^[${first === "" ? "\\s\\S" : first}]`, "u");
  const filler = refused.test("_") ? "" : "_";
  refused.lastIndex = 0;

  function fits(label: string): boolean {
    // An empty label is none: nothing could stand for it.
    if (label === "") return true;
    const isLong = maxLength > 0 && label.length > maxLength;
    return !isLong && label.length >= minLength && allowed.test(label) && begins.test(label);
  }

  return {
    takesAll,
    fits,
    fitted(label) {
      if (fits(label)) return label;
      const digest = digestOf(label);
      const tail = `${filler}${digest}`;
      const room = maxLength === 0 ? label.length : maxLength - tail.length;
      if (room <= 0) return digest.slice(0, maxLength);
      const head = label.replace(refused, filler);
      return `${begins.test(head) ? head : `t${head}`}`.slice(0, room) + tail;
    },
  };
}

/** Letters and digits that tell a label from all others. The first is a letter. */
function digestOf(label: string): string {
  let number = createHash("sha256").update(label).digest().readBigUInt64BE();
  let text = "";
  for (let place = 0; place < digestLength; place++) {
    const base = place === 0 ? 52n : 62n;
    text += alphabet[Number(number % base)];
    number /= base;
  }
  return text;
}

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
