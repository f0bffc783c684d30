import type { UseMutationResult } from "@tanstack/react-query";
import { type ComponentProps, type FormEvent, type ReactNode, useId } from "react";
import { useWords } from "../app-context.tsx";
import { Failure } from "./failure.tsx";

/** A field with its name before it. */
export function Field({ label, hint, ...input }: { label: string; hint?: string } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="form-field">
      <label className="field" htmlFor={id}>
        {label}
      </label>
      <input type="text" autoComplete="off" {...input} id={id} aria-describedby={hint && `${id}-hint`} />
      {hint === undefined ? null : (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A choice of a few. */
export function Choice({
  label,
  options,
  ...select
}: { label: string; options: readonly (readonly [value: string, shown: string])[] } & ComponentProps<"select">) {
  const id = useId();
  return (
    <div className="form-field">
      <label className="field" htmlFor={id}>
        {label}
      </label>
      <select className="select" {...select} id={id}>
        {options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What a form was given, by the names of its fields; what was left empty is undefined. */
export type Given = (name: string) => string | undefined;

/** A form in a dialog: its fields, what failed, and its button. */
export function Form({
  go,
  danger = false,
  busy,
  error,
  onSubmit,
  children,
}: {
  go: string;
  danger?: boolean;
  busy: UseMutationResult["isPending"];
  error: unknown;
  onSubmit: (given: Given) => void;
  children?: ReactNode;
}) {
  const { common } = useWords();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    onSubmit((name) => {
      const value = data.get(name);
      return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
    });
  };
  return (
    <form className="form" onSubmit={submit}>
      {children}
      {error === null ? null : <Failure error={error} />}
      <div className="form-actions">
        <button type="submit" className={danger ? "button danger" : "button primary"} disabled={busy}>
          {busy ? common.loading : go}
        </button>
      </div>
    </form>
  );
}
