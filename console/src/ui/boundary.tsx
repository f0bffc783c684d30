import { Component, type ReactNode, useEffect, useState } from "react";
import { useHouse, useIsAway, useWords } from "../app-context.tsx";
import { MissingPart, reloadOnce } from "./part.ts";

interface Props {
  readonly children: ReactNode;
  /** When it changes, what failed is tried again: another screen, for one. */
  readonly of?: string;
}

/** Shows what failed in place of what failed; the rest of the page goes on. */
export class Boundary extends Component<Props, { error: unknown; of: string | undefined }> {
  override state = { error: undefined as unknown, of: this.props.of };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps({ of }: Props, state: { error: unknown; of: string | undefined }) {
    return of === state.of ? null : { error: undefined, of };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return error instanceof MissingPart ? <Missing error={error} /> : <Broken error={error} />;
  }
}

/**
 * Loads the page again when the gateway answers: a browser may remember that it could not load a part, and another version of the
 * console has its parts under other names.
 */
function Missing({ error }: { error: MissingPart }) {
  const { connection } = useHouse();
  const { trouble } = useWords();
  const isAway = useIsAway();
  const [state, setState] = useState<"new" | "waits" | "helpless">("new");
  useEffect(() => {
    connection.lost();
    setState("waits");
  }, [connection]);
  useEffect(() => {
    if (state !== "waits" || isAway) return;
    if (!reloadOnce(sessionStorage, Date.now(), () => location.reload())) setState("helpless");
  }, [state, isAway]);
  if (state === "helpless") return <Broken error={error} />;
  return (
    <main className="plain" role="alert">
      <h1>{trouble.awayTitle}</h1>
      <p>{trouble.awayText}</p>
    </main>
  );
}

function Broken({ error }: { error: unknown }) {
  const { trouble } = useWords();
  return (
    <main className="plain" role="alert">
      <h1>{trouble.brokenTitle}</h1>
      <p>{trouble.brokenText}</p>
      <pre className="code">{error instanceof Error ? `${error.name}: ${error.message}` : String(error)}</pre>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        {trouble.reload}
      </button>
    </main>
  );
}
