import { Component, type ReactNode } from "react";
import { useWords } from "../app-context.tsx";

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
    return this.state.error === undefined ? this.props.children : <Broken error={this.state.error} />;
  }
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
