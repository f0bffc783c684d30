import { type ReactNode, useEffect, useState } from "react";
import { useWords } from "../app-context.tsx";
import { Icon } from "./icon.tsx";

const shownMs = 1_500;

/** A button that puts a text on the clipboard. @param what names the text for those who cannot see it. */
export function CopyButton({ text, what, children }: { text: string; what: string; children?: ReactNode }) {
  const { common } = useWords();
  const [copied, setCopied] = useState(0);
  useEffect(() => {
    if (copied === 0) return;
    const timer = setTimeout(() => setCopied(0), shownMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () =>
    void write(text).then((written) => {
      if (written) setCopied((count) => count + 1);
    });
  return (
    <button
      type="button"
      className={children === undefined ? "button icon-only quiet" : "button"}
      onClick={copy}
      aria-label={children === undefined ? common.copyWhat(what) : undefined}
      title={common.copyWhat(what)}
    >
      <Icon name={copied > 0 ? "done" : "copy"} size={15} />
      {children}
      <span className="hidden" role="status">
        {copied > 0 ? common.copied : ""}
      </span>
    </button>
  );
}

/** Writes to the clipboard, also over plain HTTP, where browsers hide the newer interface, and where they refuse it. Says whether it is there. */
async function write(text: string): Promise<boolean> {
  const isWritten = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  return isWritten === true || writeSelected(text);
}

function writeSelected(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden";
  // Text outside an open dialog cannot be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isWritten = document.execCommand("copy");
  area.remove();
  return isWritten;
}

/** An ID with its button. */
export function Id({ id, what }: { id: string; what?: string }) {
  const { common } = useWords();
  return (
    <span className="id">
      <code>{id}</code>
      <CopyButton text={id} what={what ?? common.requestId} />
    </span>
  );
}
