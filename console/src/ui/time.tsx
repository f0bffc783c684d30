import { createContext, type ReactNode, use, useEffect, useState } from "react";
import { useFormats } from "../app-context.tsx";

const NowContext = createContext(Date.now());
const stepMs = 5_000;

/** One clock for all times on the page. */
export function NowProvider({ children }: { children: ReactNode }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), stepMs);
    return () => clearInterval(timer);
  }, []);
  return <NowContext value={now}>{children}</NowContext>;
}

/** This moment, as the page's clock has it. */
export function useNow(): number {
  return use(NowContext);
}

/** A time: how long ago, or when; the other one, to the millisecond, on the title. */
export function Time({ at, as = "relative" }: { at: string; as?: "relative" | "absolute" | "exact" }) {
  const formats = useFormats();
  const now = useNow();
  const text = as === "relative" ? formats.relative(at, now) : formats[as](at);
  const title = as === "relative" ? formats.exact(at) : formats.relative(at, now);
  return (
    <time dateTime={at} title={title}>
      {text}
    </time>
  );
}
