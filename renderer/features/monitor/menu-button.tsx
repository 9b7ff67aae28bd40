import { useEffect, useId, useRef, useState, type ReactNode } from 'react';

export interface MenuButtonProps {
  readonly text: string;
  readonly title: string;
  readonly className?: string;
  /** A menu of `menuitem`s, moved through with the arrow keys; else a small form. */
  readonly menu?: boolean;
  readonly children: (close: () => void) => ReactNode;
}

/** A button with a small panel under it. Escape and a press outside close it and give the focus back. */
export function MenuButton({ text, title, className = '', menu = false, children }: MenuButtonProps): ReactNode {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>('[role=menuitem], input, .pop button')?.focus();
    const onDown = (event: PointerEvent): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', onDown);
    return () => document.removeEventListener('pointerdown', onDown);
  }, [open]);
  return (
    <span
      ref={box}
      className={`popper ${className}`}
      onKeyDown={(e) => {
        if (!open) return;
        if (e.key === 'Escape') {
          e.stopPropagation();
          close();
        } else if (menu && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
          const items = [...(box.current?.querySelectorAll<HTMLElement>('[role=menuitem], [role=menuitemcheckbox]') ?? [])];
          const at = items.findIndex((i) => i === document.activeElement);
          items[(at + (e.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
          e.preventDefault();
        }
      }}
    >
      <button ref={button} type="button" className="btn" title={title} aria-haspopup={menu ? 'menu' : 'dialog'} aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        {text}
      </button>
      {open && (
        <div id={id} className={`pop${menu ? ' menu' : ''}`} role={menu ? 'menu' : 'dialog'} aria-label={text}>
          {children(close)}
        </div>
      )}
    </span>
  );
}
