import { useMutation } from "@tanstack/react-query";
import { isThroughlineError } from "@throughline/client";
import { type FormEvent, useId, useState, useSyncExternalStore } from "react";
import { useHouse, useIsAway, useWords } from "../../app-context.tsx";
import { tryKey } from "../../data/client.ts";
import type { Dictionary } from "../../i18n/dictionary.ts";
import { Choices } from "../../layout/choices.tsx";
import { Icon, Mark } from "../../ui/icon.tsx";

/** Where a key is given. It is tried before it is kept. */
export function SignIn() {
  const { signIn, common } = useWords();
  const { session, connection } = useHouse();
  const endedBy = useSyncExternalStore(session.subscribe, session.endedBy);
  const isAway = useIsAway();
  const [isShown, setShown] = useState(false);
  const [isEmpty, setEmpty] = useState(false);
  const fieldId = useId();
  const attempt = useMutation({
    mutationFn: async (key: string) => {
      await tryKey(key, connection);
      return key;
    },
    onSuccess: (key) => session.open(key),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget).get("key");
    const key = typeof given === "string" ? given.trim() : "";
    setEmpty(key === "");
    if (key !== "") attempt.mutate(key);
  };
  const message = useMessage({ isEmpty, isAway, error: attempt.error, endedBy });
  return (
    <main className="sign-in">
      <div className="sign-in-top">
        <Choices />
      </div>
      <form className="sign-in-card" onSubmit={submit} noValidate>
        <Mark size={44} />
        <h1>{common.product}</h1>
        <p className="lead">{signIn.lead}</p>
        <label className="field" htmlFor={fieldId}>
          {signIn.key}
        </label>
        <div className="secret">
          <input
            id={fieldId}
            name="key"
            type={isShown ? "text" : "password"}
            autoComplete="off"
            spellCheck={false}
            autoCapitalize="none"
            // The page has nothing else to do.
            // biome-ignore lint/a11y/noAutofocus: see above
            autoFocus
            aria-invalid={message !== undefined}
            aria-describedby={`${fieldId}-hint ${fieldId}-fault`}
          />
          <button
            type="button"
            className="button icon-only quiet"
            aria-pressed={isShown}
            aria-label={isShown ? signIn.hide : signIn.show}
            onClick={() => setShown(!isShown)}
          >
            <Icon name="eye" />
          </button>
        </div>
        <p className="hint" id={`${fieldId}-hint`}>
          {signIn.keyHint}
        </p>
        <p className="fault" id={`${fieldId}-fault`} role="alert">
          {message}
        </p>
        <button type="submit" className="button primary wide" disabled={attempt.isPending}>
          {attempt.isPending ? signIn.going : signIn.go}
        </button>
      </form>
      <p className="sign-in-foot">
        {signIn.whichKey} <code>throughline keys create</code>
      </p>
    </main>
  );
}

interface Faults {
  readonly isEmpty: boolean;
  readonly isAway: boolean;
  readonly error: unknown;
  readonly endedBy: string | undefined;
}

function useMessage({ isEmpty, isAway, error, endedBy }: Faults): string | undefined {
  const { signIn, trouble, errors } = useWords();
  if (isEmpty) return signIn.empty;
  if (isAway) return trouble.awayText;
  if (isThroughlineError(error)) return refusalOf(error.code, signIn) ?? errors[error.code][0];
  if (error !== null && error !== undefined) return error instanceof Error ? error.message : String(error);
  return endedBy === undefined ? undefined : (refusalOf(endedBy, signIn) ?? signIn.ended);
}

function refusalOf(code: string, words: Dictionary["signIn"]): string | undefined {
  if (code === "invalid_api_key") return words.refused;
  if (code === "expired_api_key") return words.expired;
  return code === "revoked_api_key" ? words.revoked : undefined;
}
