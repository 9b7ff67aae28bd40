import { useEffect, useId, useRef, useState, type FocusEvent, type MouseEvent, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

export interface TipTarget {
  readonly 'aria-describedby': string | undefined;
  onMouseEnter(event: MouseEvent<HTMLElement>): void;
  onMouseLeave(): void;
  onFocus(event: FocusEvent<HTMLElement>): void;
  onBlur(): void;
}

export interface TipProps {
  readonly text: ReactNode;
  /** Gets what the target must spread on itself. */
  readonly children: (props: TipTarget) => ReactNode;
}

const WIDTH = 280;
const GAP = 6;

/** Where a tip of `width` × `height` goes: under its target, above where there is no room, never off screen. Pure. */
export function decideTipPlace(target: { left: number; top: number; bottom: number }, tip: { width: number; height: number }, view: { width: number; height: number }): { left: number; top: number } {
  const left = Math.max(8, Math.min(target.left, view.width - tip.width - 8));
  const under = target.bottom + GAP;
  const top = under + tip.height <= view.height ? under : Math.max(8, target.top - GAP - tip.height);
  return { left, top };
}

/** A text on hover and on focus; Escape hides it. */
export function Tip({ text, children }: TipProps): ReactNode {
  const [at, setAt] = useState<DOMRect | null>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!at) return;
    const rect = box.current?.getBoundingClientRect();
    setPlace(decideTipPlace(at, { width: rect?.width ?? WIDTH, height: rect?.height ?? 40 }, { width: innerWidth, height: innerHeight }));
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') setAt(null);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [at]);
  const show = (element: HTMLElement): void => setAt(element.getBoundingClientRect());
  const hide = (): void => {
    setAt(null);
    setPlace(null);
  };
  return (
    <>
      {children({ 'aria-describedby': at ? id : undefined, onMouseEnter: (e) => show(e.currentTarget), onMouseLeave: hide, onFocus: (e) => show(e.currentTarget), onBlur: hide })}
      {at &&
        createPortal(
          <div ref={box} id={id} role="tooltip" className="tip float" style={{ left: place?.left ?? at.left, top: place?.top ?? at.bottom + GAP, visibility: place ? 'visible' : 'hidden' }}>
            {text}
          </div>,
          document.body,
        )}
    </>
  );
}
