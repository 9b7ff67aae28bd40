import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

/**
 * Width and height of an element as they change, CSS px; 0 until the page has been laid out. Not measured by hand before
 * that: what needs the size is drawn after the rest is on the screen and after what it asks of the engine has gone out.
 */
export function useSize<E extends HTMLElement>(): readonly [RefObject<E | null>, { readonly width: number; readonly height: number }] {
  const ref = useRef<E>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      const box = element.getBoundingClientRect();
      const [width, height] = [Math.floor(box.width), Math.floor(box.height)];
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

/** The width of an element as it changes, CSS px; 0 until it is known. */
export function useWidth<E extends HTMLElement>(): readonly [RefObject<E | null>, number] {
  const [ref, { width }] = useSize<E>();
  return [ref, width];
}
