import { useLayoutEffect, useRef, useState, type RefObject } from 'react';

/** Width and height of an element as they change, CSS px; 0 until they are known. */
export function useSize<E extends HTMLElement>(): readonly [RefObject<E | null>, { readonly width: number; readonly height: number }] {
  const ref = useRef<E>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = (): void => {
      const box = element.getBoundingClientRect();
      const [width, height] = [Math.floor(box.width), Math.floor(box.height)];
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
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
