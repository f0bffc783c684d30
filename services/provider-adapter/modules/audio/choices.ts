import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type Notes, nameOf } from "../../domain/notes.ts";
import type { SpeechRequest } from "./speech.ts";

/** The voices of a vendor. */
export interface Voices {
  /** Names that clients know, in lower case, and what the vendor calls them. */
  readonly named: Readonly<Record<string, string>>;
  /** How the vendor's own names and IDs look: these go on as they are. */
  readonly own: RegExp;
}

/** Voices with those that a channel's flavour names: they go before the vendor's. */
export function withVoices({ named, own }: Voices, added: Readonly<Record<string, string>>): Voices {
  const lower = Object.entries(added).map(([name, voice]) => [name.toLowerCase(), voice]);
  return { own, named: { ...named, ...Object.fromEntries(lower) } };
}

/** What the vendor calls the voice that was asked for. Throws invalid_value where it has none of that name. */
export function voiceIn({ voice, voicePath }: SpeechRequest, { named, own }: Voices): string {
  const name = voice.toLowerCase();
  const known = Object.hasOwn(named, name) ? named[name] : undefined;
  if (known !== undefined) return known;
  if (own.test(voice)) return voice;
  const names = Object.keys(named).join(", ");
  throw invalid(voicePath, `This model has no voice '${nameOf(voice)}'. It has ${names}, and those of its vendor.`);
}

/**
 * What a vendor makes of the format that was asked for; of its formats the first one where the client left the choice open.
 * Throws invalid_value where it does not have the format.
 */
export function formatIn<Made>(
  { format, saysFormat }: SpeechRequest,
  formats: Readonly<Record<string, Made>>,
  note: Notes["note"],
): { readonly format: string; readonly made: Made } {
  const made = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (made !== undefined) return { format, made };
  const names = Object.keys(formats);
  const [first] = Object.entries(formats);
  if (saysFormat || first === undefined) {
    throw invalid(
      "response_format",
      `This model does not speak ${format}: response_format must be ${names.join(", ")}.`,
    );
  }
  note(`the answer is ${first[0]}: the upstream has no ${format}, and no response_format was asked for`);
  return { format: first[0], made: first[1] };
}

/** The speed that was asked for. Throws invalid_value where the vendor does not have it. */
export function speedIn({ speed }: SpeechRequest, least: number, most: number): number {
  if (speed >= least && speed <= most) return speed;
  const wanted = least === most ? `${least}` : `between ${least} and ${most}`;
  throw invalid("speed", `speed must be ${wanted} for this model.`);
}

/** Notes that the instructions are not followed. */
export function noteInstructions({ instructions }: SpeechRequest, note: Notes["note"]): void {
  if (instructions !== "") note("instructions dropped: the upstream's format has no such field");
}

function invalid(param: string, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}
