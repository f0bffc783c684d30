import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { useHouse, useIsAway, useSignedIn, useWords } from "../app-context.tsx";
import { Icon, Mark } from "../ui/icon.tsx";
import { NowProvider } from "../ui/time.tsx";
import { Choices } from "./choices.tsx";
import { FindBox } from "./find-box.tsx";
import { Navigation } from "./navigation.tsx";

/** What stands around every screen. */
export function Shell({ children }: { children: ReactNode }) {
  const { common, nav } = useWords();
  const [location] = useLocation();
  const [isOpen, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  useFocusOnNewScreen(main, location);
  // On a phone the navigation lies over the screen; it makes room for what was chosen.
  const [shown, setShown] = useState(location);
  if (shown !== location) {
    setShown(location);
    setOpen(false);
  }
  return (
    <NowProvider>
      <div className="shell" data-nav={isOpen ? "open" : "closed"}>
        <a className="skip" href="#main">
          {common.skip}
        </a>
        <header className="top">
          <button
            type="button"
            className="button icon-only quiet menu"
            aria-expanded={isOpen}
            aria-controls="navigation"
            aria-label={common.menu}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name={isOpen ? "close" : "menu"} />
          </button>
          <Link href="/" className="brand" aria-label={common.product}>
            <Mark />
            <span>{common.product}</span>
          </Link>
          {location === "/" ? <div className="grow" /> : <FindBox compact />}
          <Choices />
        </header>
        <nav className="side" id="navigation" aria-label={nav.label}>
          <Navigation />
          <SignedInAs />
        </nav>
        <main className="screen" id="main" ref={main} tabIndex={-1}>
          <Away />
          {children}
        </main>
      </div>
    </NowProvider>
  );
}

/** A new screen is read from its start, by eyes and by screen readers; the first one has the focus where the browser put it. */
function useFocusOnNewScreen(main: { readonly current: HTMLElement | null }, location: string): void {
  const seen = useRef(location);
  useEffect(() => {
    if (seen.current === location) return;
    seen.current = location;
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [location, main]);
}

function Away() {
  const { trouble } = useWords();
  const isAway = useIsAway();
  return (
    <div role="status" className={isAway ? "away" : "hidden"}>
      {isAway ? (
        <>
          <Icon name="alert" /> {trouble.away}
        </>
      ) : null}
    </div>
  );
}

function SignedInAs() {
  const { session } = useHouse();
  const { me } = useSignedIn();
  const { common } = useWords();
  return (
    <div className="signed-in">
      <Link href="/me" className="who">
        <strong>{me.key.name || me.key.prefix}</strong>
        <span>
          {me.account.name} · {me.key.kind}
        </span>
      </Link>
      <button
        type="button"
        className="button icon-only quiet"
        onClick={() => session.close()}
        aria-label={common.signOut}
        title={common.signOut}
      >
        <Icon name="out" />
      </button>
    </div>
  );
}
