import { useWords } from "../../app-context.tsx";
import { Card } from "../../ui/parts.tsx";

const examples = {
  decimal: "767212140985061376",
  stamped: "20250428022708uweaaaaa",
  answer: "chatcmpl-767212140985061376",
  trace: "0aa5afb52dc810007a5b0c1de3f24968",
  upstream: "req_011CVxuhCvXbbnYVDAbVY",
  job: "job_767212140985061376",
} as const;

const names = Object.keys(examples) as (keyof typeof examples)[];

/** What IDs look like. */
export function IdForms() {
  const { find } = useWords();
  return (
    <Card title={find.formsTitle} flush>
      <table className="table">
        <thead className="hidden">
          <tr>
            <th>{find.formExample}</th>
            <th>{find.formName}</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <td>
                <code>{examples[name]}</code>
              </td>
              <td>{find.forms[name]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
