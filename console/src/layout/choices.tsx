import { useChosen, useHouse, useWords } from "../app-context.tsx";
import { isLanguage, languages } from "../i18n/languages.ts";
import { type Theme, themes } from "../session/preferences.ts";
import { Icon, type IconName } from "../ui/icon.tsx";

const icons: Readonly<Record<Theme, IconName>> = { system: "screen", light: "sun", dark: "moon" };

/** Colours and language, for this browser. */
export function Choices() {
  const { preferences } = useHouse();
  const { theme, language } = useChosen();
  const { common } = useWords();
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system";
  return (
    <div className="choices">
      <button
        type="button"
        className="button icon-only quiet"
        onClick={() => preferences.set({ theme: next })}
        aria-label={`${common.theme}: ${common.themes[theme]}`}
        title={`${common.theme}: ${common.themes[theme]}`}
      >
        <Icon name={icons[theme]} />
      </button>
      <label className="language">
        <span className="hidden">{common.language}</span>
        <Icon name="language" />
        <select
          value={language}
          onChange={({ target }) => isLanguage(target.value) && preferences.set({ language: target.value })}
        >
          {Object.entries(languages).map(([id, { name, locale }]) => (
            <option key={id} value={id} lang={locale}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
