import { type ReactNode, useEffect, useId, useRef } from "react";
import { useWords } from "../app-context.tsx";
import { Icon } from "./icon.tsx";

/** A dialog over the page. It has the focus until it is closed: by its button, by Escape, or by who shows it. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const { common } = useWords();
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog ref={element} className="dialog" aria-labelledby={titleId} onClose={onClose}>
      <header className="dialog-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="button icon-only quiet" aria-label={common.close} onClick={onClose}>
          <Icon name="close" size={16} />
        </button>
      </header>
      {children}
    </dialog>
  );
}
