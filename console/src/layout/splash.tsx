import { useHouse, useIsAway, useWords } from "../app-context.tsx";
import { Failure } from "../ui/failure.tsx";
import { Mark } from "../ui/icon.tsx";

/** What stands until the gateway has said whose key it is. */
export function Splash({ error }: { error: unknown }) {
  const { common, trouble } = useWords();
  const { session } = useHouse();
  const isAway = useIsAway();
  const waits = error === null || error === undefined || isAway;
  return (
    <main className="splash">
      <Mark size={44} />
      <h1>{isAway ? trouble.awayTitle : common.product}</h1>
      {waits ? <p role="status">{isAway ? trouble.awayText : common.loading}</p> : <Failure error={error} />}
      {waits && !isAway ? null : (
        <button type="button" className="button" onClick={() => session.close()}>
          {common.signOut}
        </button>
      )}
    </main>
  );
}
