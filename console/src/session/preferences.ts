import { isLanguage, type Language, preferredLanguage } from "../i18n/languages.ts";

/** Colours that a person may choose. */
export const themes = ["system", "light", "dark"] as const;
/** How the console is coloured. */
export type Theme = (typeof themes)[number];

/** What a person chose for this browser. */
export interface Chosen {
  readonly theme: Theme;
  readonly language: Language;
}

/** Choices that outlive the tab: none of them is a secret. */
export interface Preferences {
  readonly subscribe: (listener: () => void) => () => void;
  readonly get: () => Chosen;
  set(change: Partial<Chosen>): void;
}

const storedAs = "throughline.preferences";

/**
 * Reads what was chosen before, and puts it upon the page.
 *
 * @param wanted the browser's languages, the dearest first.
 */
export function createPreferences(
  storage: Pick<Storage, "getItem" | "setItem">,
  wanted: readonly string[],
): Preferences {
  const listeners = new Set<() => void>();
  let chosen: Chosen = { theme: "system", language: preferredLanguage(wanted), ...read(storage) };
  apply(chosen);
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get: () => chosen,
    set(change) {
      chosen = { ...chosen, ...change };
      apply(chosen);
      try {
        storage.setItem(storedAs, JSON.stringify(chosen));
      } catch {
        // A browser that keeps nothing asks again next time.
      }
      for (const listener of listeners) listener();
    },
  };
}

function apply({ theme, language }: Chosen): void {
  document.documentElement.lang = language;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function read(storage: Pick<Storage, "getItem">): Partial<Chosen> {
  try {
    const stored: unknown = JSON.parse(storage.getItem(storedAs) ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    const theme = themes.find((one) => one === Reflect.get(stored, "theme"));
    const language: unknown = Reflect.get(stored, "language");
    return {
      ...(theme === undefined ? {} : { theme }),
      ...(typeof language === "string" && isLanguage(language) ? { language } : {}),
    };
  } catch {
    return {};
  }
}
