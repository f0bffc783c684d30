import type { QueryClient } from "@tanstack/react-query";
import type { Throughline } from "@throughline/client";
import { createContext, type ReactNode, use, useMemo, useSyncExternalStore } from "react";
import type { Renew, Trpc } from "./data/client.ts";
import type { Connection } from "./data/connection.ts";
import { createFormats, type Formats } from "./format/format.ts";
import type { Dictionary } from "./i18n/dictionary.ts";
import { languages } from "./i18n/languages.ts";
import type { Chosen, Preferences } from "./session/preferences.ts";
import type { Me, Rights } from "./session/rights.ts";
import type { Session } from "./session/session.ts";

/** What the whole console works with, signed in or not. */
export interface House {
  readonly session: Session;
  readonly preferences: Preferences;
  readonly connection: Connection;
  readonly queryClient: QueryClient;
}

/** What is there once somebody has signed in. */
export interface SignedIn {
  readonly me: Me;
  readonly rights: Rights;
  readonly trpc: Trpc;
  /** For calls that are no queries: subscriptions, pages of an export. */
  readonly client: Throughline;
  /** Replaces the secret of the session's own key. */
  readonly renew: Renew;
}

interface Speech {
  readonly words: Dictionary;
  readonly formats: Formats;
}

const HouseContext = createContext<House | undefined>(undefined);
const SpeechContext = createContext<Speech | undefined>(undefined);
const SignedInContext = createContext<SignedIn | undefined>(undefined);

/** Gives the console to what is in it. */
export function HouseProvider({ house, children }: { house: House; children: ReactNode }) {
  const { language } = useSyncExternalStore(house.preferences.subscribe, house.preferences.get);
  const speech = useMemo(() => {
    const { words, locale } = languages[language];
    return { words, formats: createFormats(locale, words.common.now) };
  }, [language]);
  return (
    <HouseContext value={house}>
      <SpeechContext value={speech}>{children}</SpeechContext>
    </HouseContext>
  );
}

/** Gives who has signed in to what is in it. */
export function SignedInProvider({ value, children }: { value: SignedIn; children: ReactNode }) {
  return <SignedInContext value={value}>{children}</SignedInContext>;
}

/** The stores of the console. */
export function useHouse(): House {
  return given(use(HouseContext), "HouseProvider");
}

/** Who has signed in, and how the gateway is asked. Only below the shell. */
export function useSignedIn(): SignedIn {
  return given(use(SignedInContext), "SignedInProvider");
}

/** The words of the chosen language. */
export function useWords(): Dictionary {
  return given(use(SpeechContext), "HouseProvider").words;
}

/** How the chosen language writes amounts and times. */
export function useFormats(): Formats {
  return given(use(SpeechContext), "HouseProvider").formats;
}

/** What the person chose for this browser. */
export function useChosen(): Chosen {
  const { preferences } = useHouse();
  return useSyncExternalStore(preferences.subscribe, preferences.get);
}

/** Whether the gateway is away. */
export function useIsAway(): boolean {
  const { connection } = useHouse();
  return useSyncExternalStore(connection.subscribe, connection.isAway);
}

function given<T>(value: T | undefined, provider: string): T {
  if (value === undefined) throw new TypeError(`this is used outside of ${provider}`);
  return value;
}
