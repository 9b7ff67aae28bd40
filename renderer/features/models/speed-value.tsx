import type { ReactNode } from 'react';
import { formatFigures } from '../../ui/format.ts';
import { NotReported } from '../../ui/value.tsx';
import { decideSpeed, describeBasis, isMeasured, type PlaceOutlook } from './model-words.ts';

export interface SpeedValueProps {
  readonly there: PlaceOutlook | null;
  /** Why nothing is known of this place. */
  readonly why: string;
  readonly strong?: boolean;
  /** Beneath: how sure it is, or what the memory could give at most. */
  readonly words: 'basis' | 'roofline';
}

/** Tokens a second: ≈ and an interval where predicted, plain where measured. */
export function SpeedValue({ there, why, strong = false, words }: SpeedValueProps): ReactNode {
  const { speed, why: unsaid, only } = there === null ? { speed: null, why: null, only: null } : decideSpeed(there);
  if (speed?.tokensPerSecond == null) return <NotReported reason={unsaid ?? speed?.why ?? why} />;
  const Text = strong ? 'b' : 'span';
  const below = only !== null && words === 'basis' ? only : words === 'basis' || speed.roofline === null ? describeBasis(speed) : `${isMeasured(speed) ? 'measured, ' : ''}≤ ${formatFigures(speed.roofline)}`;
  return (
    <>
      <Text className={isMeasured(speed) ? undefined : 'est'}>{formatFigures(speed.tokensPerSecond)}</Text>
      <span className="u">tok/s</span>
      {below !== '' && <span className={isMeasured(speed) || words === 'roofline' || only !== null ? 'sub blk' : 'sub blk dsh'}>{below}</span>}
    </>
  );
}
