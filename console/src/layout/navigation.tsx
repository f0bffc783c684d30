import { Link, useLocation } from "wouter";
import { useSignedIn, useWords } from "../app-context.tsx";
import { Icon, type IconName } from "../ui/icon.tsx";
import { type Screen, screenList } from "./screen-list.ts";

const groups = ["observe", "money", "manage", "own"] as const satisfies readonly Screen["group"][];

/** The screens that the key may see, by groups. */
export function Navigation() {
  const { rights } = useSignedIn();
  const { nav } = useWords();
  const [location] = useLocation();
  const mine = screenList.filter(({ name, may }) => name !== undefined && may(rights));
  return (
    <div className="nav-groups">
      {groups.map((group) => {
        const screens = mine.filter((screen) => screen.group === group);
        if (screens.length === 0) return null;
        return (
          <section key={group} aria-labelledby={`nav-${group}`}>
            <h2 id={`nav-${group}`}>{nav.groups[group]}</h2>
            <ul>
              {screens.map(({ path, name = "home", icon = name as IconName }) => (
                <li key={path}>
                  <Link href={path} aria-current={isAt(location, path) ? "page" : undefined}>
                    <Icon name={icon} />
                    {nav[name]}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

/** Whether an address is a screen's, or of something below it. */
function isAt(location: string, path: string): boolean {
  return path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
}
