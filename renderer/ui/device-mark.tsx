import type { ReactNode } from 'react';

/** How many device colours there are; a ninth device takes the first again, its number tells them apart. */
export const GPU_COLOURS = 8;

/** The CSS colour of a device, by its index. */
export function deviceColour(index: number): string {
  return `var(--gpu-${index % GPU_COLOURS})`;
}

/** The square with the index: colour is never the only sign. */
export function DeviceMark({ index }: { readonly index: number }): ReactNode {
  return (
    <span className="gix" style={{ '--g': deviceColour(index) } as Record<string, string>}>
      {index}
    </span>
  );
}
