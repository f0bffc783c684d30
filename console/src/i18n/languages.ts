import type { Dictionary } from "./dictionary.ts";
import { en } from "./en/index.ts";
import { zh } from "./zh/index.ts";

/** Languages of the console, by what `lang` and the browser call them. */
export const languages = {
  en: { name: "English", locale: "en", words: en },
  zh: { name: "中文", locale: "zh-CN", words: zh },
} as const satisfies Record<string, { name: string; locale: string; words: Dictionary }>;

/** A language of the console. */
export type Language = keyof typeof languages;

/** Whether a text names a language that there is. */
export function isLanguage(text: string | null | undefined): text is Language {
  return typeof text === "string" && Object.hasOwn(languages, text);
}

/** The first of the browser's languages that the console speaks. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.split("-")[0]?.toLowerCase();
    if (isLanguage(language)) return language;
  }
  return "en";
}
