import { useWords } from "../../app-context.tsx";
import { FindBox } from "../../layout/find-box.tsx";
import { IdForms } from "./id-forms.tsx";

/** The first screen: one box for any ID. */
export function Home() {
  const { find } = useWords();
  return (
    <div className="home">
      <section className="hero">
        <h1>{find.title}</h1>
        <p className="lead">{find.lead}</p>
        <FindBox />
      </section>
      <IdForms />
    </div>
  );
}
