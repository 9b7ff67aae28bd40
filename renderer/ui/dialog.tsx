import { useLayoutEffect, useRef, type ReactNode } from 'react';

export interface DialogProps {
  readonly label: string;
  readonly className: string;
  onClose(): void;
  readonly children: ReactNode;
}

/** The platform's modal dialog: keeps the focus inside, gives it back, makes the rest inert, and closes on Escape. */
export function Dialog({ label, className, onClose, children }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={className}
      aria-label={label}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => {
        // A click on the backdrop arrives at the dialog itself, outside its box.
        if (e.target !== e.currentTarget) return;
        const box = e.currentTarget.getBoundingClientRect();
        if (e.clientX < box.left || e.clientX > box.right || e.clientY < box.top || e.clientY > box.bottom) onClose();
      }}
    >
      {children}
    </dialog>
  );
}
