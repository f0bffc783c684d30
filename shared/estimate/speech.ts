/**
 * Time that a character takes when it is spoken, milliseconds. English has about 15 characters a second; a Chinese one takes about
 * 250 ms, and so does English that is read slowly.
 */
const usualMsPerCharacter = 70;
const mostMsPerCharacter = 260;
/** Output tokens of a second of speech: 1,250 a minute (gpt-4o-mini-tts: $12 a million are $0.015 a minute, OpenAI's pricing). */
const tokensPerSecond = 1_250 / 60;

/** What speech comes to. */
export interface SpeechAmounts {
  /** Unicode code points of the text, as vendors bill them. */
  readonly characters: number;
  /** Audio tokens. */
  readonly tokens: number;
  readonly durationMs: number;
}

/** The most that a text may come to when it is spoken at this speed (1: usual). */
export function speechBound(text: string, speed: number): SpeechAmounts {
  const durationMs = Math.ceil((codePoints(text) * mostMsPerCharacter) / Math.max(0.25, speed)) + 1_000;
  return ofDuration(codePoints(text) + wideCharacters(text), durationMs);
}

/** What a text came to, where the upstream did not count: by the duration of the audio, if that is known. */
export function speechEstimate(text: string, speed: number, durationMs: number | undefined): SpeechAmounts {
  const characters = codePoints(text);
  return ofDuration(characters, durationMs ?? Math.ceil((characters * usualMsPerCharacter) / Math.max(0.25, speed)));
}

function ofDuration(characters: number, durationMs: number): SpeechAmounts {
  return { characters, durationMs, tokens: Math.ceil((durationMs / 1_000) * tokensPerSecond) };
}

/** First of the characters of Chinese, Japanese and Korean, of which some vendors count each as two (MiniMax, DashScope). */
const firstWide = 0x2e80;

function wideCharacters(text: string): number {
  let count = 0;
  for (const character of text) if ((character.codePointAt(0) ?? 0) >= firstWide) count += 1;
  return count;
}

/** Unicode code points: what JavaScript counts as two units of UTF-16 is one character. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
