import { useEffect, useRef, type ReactNode } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { useApp, useUi } from './context.tsx';

/** The browser's confirmation. The button names the thing; the focus is on Cancel, so that Enter harms nothing. */
export function ConfirmDialog(): ReactNode {
  const question = useUi((s) => s.question);
  const { ui } = useApp();
  const cancel = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (question) cancel.current?.focus();
  }, [question]);
  if (!question) return null;
  const answer = (yes: boolean) => () => ui.getState().answer(yes);
  return (
    <Dialog label={question.title} className="ask" onClose={answer(false)}>
      <h2>{question.title}</h2>
      <p>{question.detail}</p>
      <footer>
        <button ref={cancel} type="button" className="btn" onClick={answer(false)}>
          Cancel
        </button>
        <button type="button" className="btn primary" onClick={answer(true)}>
          {question.confirmLabel}
        </button>
      </footer>
    </Dialog>
  );
}
