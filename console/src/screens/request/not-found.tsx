import { useWords } from "../../app-context.tsx";
import { PageHead } from "../../ui/parts.tsx";
import { IdForms } from "../home/id-forms.tsx";

/** What stands where nothing has the ID that somebody gave. @param mayCome its record may be on its way: the page looks again. */
export function NotFound({ id, mayCome }: { id: string; mayCome: boolean }) {
  const { find } = useWords();
  return (
    <div className="narrow">
      <PageHead title={find.noneTitle} lead={find.none(id)} />
      <div className="stack">
        {mayCome ? (
          <p className="note" role="status">
            {find.mayCome}
          </p>
        ) : null}
        <IdForms />
        <p className="quiet">{find.otherKey}</p>
      </div>
    </div>
  );
}
