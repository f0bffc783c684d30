import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useWords } from "../app-context.tsx";
import { idIn } from "../format/ids.ts";
import { Icon } from "../ui/icon.tsx";

/** One box for any ID. "/" puts the cursor into it. @param compact in the head of the page. */
export function FindBox({ compact = false }: { compact?: boolean }) {
  const { find } = useWords();
  const [, navigate] = useLocation();
  const [isNone, setNone] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const fieldId = useId();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  function go(text: string): void {
    const id = idIn(text);
    setNone(id === undefined);
    if (id !== undefined) navigate(`/requests/${encodeURIComponent(id)}`);
  }

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    go(field.current?.value ?? "");
  };
  return (
    <search className="find-place">
      <form className={compact ? "find compact" : "find"} onSubmit={submit}>
        <Icon name="find" size={compact ? 16 : 20} />
        <label className="hidden" htmlFor={fieldId}>
          {find.label}
        </label>
        <input
          ref={field}
          id={fieldId}
          type="text"
          inputMode="search"
          placeholder={compact ? find.short : find.placeholder}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          aria-invalid={isNone}
          onPaste={(event) => {
            const pasted = event.clipboardData.getData("text");
            if (idIn(pasted) === undefined || event.currentTarget.value !== "") return;
            event.preventDefault();
            event.currentTarget.value = idIn(pasted) ?? pasted;
            go(pasted);
          }}
        />
        <kbd title={find.shortcut}>/</kbd>
        {compact ? null : (
          <button type="submit" className="button primary">
            {find.go}
          </button>
        )}
      </form>
    </search>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
