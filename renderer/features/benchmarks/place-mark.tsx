import type { ReactNode } from 'react';
import { deviceColour, DeviceMark } from '../../ui/device-mark.tsx';
import { CPU, type ShownPlace } from './places.ts';

/** The colour of a place, everywhere the same: a GPU's own; quiet for the processor and for what is not here. */
export function placeColour({ index }: ShownPlace): string {
  return index === null ? 'var(--ink-3)' : deviceColour(index);
}

/** The square of a GPU; a letter for the processor, a dot for what is not in this machine. */
export function PlaceMark({ place }: { readonly place: ShownPlace }): ReactNode {
  if (place.index !== null) return <DeviceMark index={place.index} />;
  return <span className="gix">{place.key === CPU ? 'C' : '·'}</span>;
}
