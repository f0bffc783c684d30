import { useId } from "react";
import { useWords } from "../../app-context.tsx";
import { rangeOf, ranges, statuses, textFilters } from "./filter.ts";

type Change = (name: string, value: string) => void;

const labels = { model: "model", channel: "channel", key_id: "key", end_user: "user", tag: "tag" } as const;

/** The filters of a list. They stand in the address, so that a view can be sent to somebody. */
export function Filters({ params, change, clear }: { params: URLSearchParams; change: Change; clear: () => void }) {
  const { requests: words, life, errors } = useWords();
  const anySet = [...params.keys()].some((name) => name !== "live");
  return (
    <search className="list-filters" aria-label={words.filters}>
      <Choice
        name="range"
        label={words.range}
        value={rangeOf(params)}
        change={change}
        options={Object.keys(ranges).map((range) => [range, words.ranges[range as keyof typeof ranges]])}
      />
      <Choice
        name="status"
        label={words.status}
        value={params.get("status") ?? ""}
        change={change}
        options={[["", words.anyStatus], ...statuses.map((status) => [status, life.statuses[status]] as const)]}
      />
      <Choice
        name="error_code"
        label={words.error}
        value={params.get("error_code") ?? ""}
        change={change}
        options={[["", words.anyError], ...Object.keys(errors).map((code) => [code, code] as const)]}
      />
      {textFilters.map((name) => (
        <Text key={name} name={name} label={words[labels[name]]} value={params.get(name) ?? ""} change={change} />
      ))}
      {anySet ? (
        <button type="button" className="button quiet" onClick={clear}>
          {words.clear}
        </button>
      ) : null}
    </search>
  );
}

function Choice({
  name,
  label,
  value,
  options,
  change,
}: {
  name: string;
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  change: Change;
}) {
  const id = useId();
  return (
    <div className="filter">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="select" value={value} onChange={({ target }) => change(name, target.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

function Text({ name, label, value, change }: { name: string; label: string; value: string; change: Change }) {
  const id = useId();
  return (
    <div className="filter">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        // The address says what is asked for, so a step back in the browser puts it here again.
        key={value}
        type="text"
        defaultValue={value}
        autoComplete="off"
        spellCheck={false}
        onBlur={({ target }) => target.value.trim() !== value && change(name, target.value.trim())}
        onKeyDown={({ key, currentTarget }) => key === "Enter" && change(name, currentTarget.value.trim())}
      />
    </div>
  );
}
