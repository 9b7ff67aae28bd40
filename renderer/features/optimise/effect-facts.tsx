import type { ReactNode } from 'react';
import type { EffectCard } from '../../../contract/optimize.ts';
import { useOptimise } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { NotReported } from '../../ui/value.tsx';
import { describeEnergy, describeError, describeMemory, type Fact } from './effect-words.ts';

/** A figure, what is waited for, or an em dash with its reason. */
export function FactValue({ fact, waits, reason, estimated = false }: { readonly fact: Fact; readonly waits: boolean; readonly reason: string; readonly estimated?: boolean }): ReactNode {
  if (fact.text === null) return waits ? <span className="q">waits</span> : <NotReported reason={reason} />;
  return <><span className={estimated ? 'est' : undefined}>{fact.text}</span>{fact.unit !== '' && <span className="u">{fact.unit}</span>}</>;
}

/** What it costs besides time: error, memory, energy; and how often it was measured. */
export function EffectFacts({ card }: { readonly card: EffectCard }): ReactNode {
  const waits = card.verdict === null;
  const detail = useOptimise((s) => s.details[card.id]);
  const pairs = (detail === undefined ? null : valueOf(detail)?.pairs) ?? card.pairs;
  // Cards in lists come without pairs: until they are read, only the count of the interval is known.
  const counted = pairs.length > 0 ? pairs.filter((p) => p.kept).length : card.effectivePairs === null ? null : Math.round(card.effectivePairs);
  return (
    <div className="facts">
      <div><span className="lab">Error vs FP64</span><b><FactValue fact={describeError(card)} waits={waits} reason="This workload has no reference to compare with." /></b></div>
      <div><span className="lab">Memory</span><b><FactValue fact={describeMemory(card)} waits={waits} estimated={waits} reason="The allocator’s peak was not reported here." /></b></div>
      <div><span className="lab">Energy</span><b><FactValue fact={describeEnergy(card)} waits={waits} reason="No energy or power reading came from this place." /></b></div>
      <div><span className="lab">Pairs</span><b title={card.setAside === 0 ? undefined : `${String(card.setAside)} more do not count: throttled or disturbed`}>{counted === null ? <span className="q">{waits ? 'waits' : '—'}</span> : counted}</b></div>
    </div>
  );
}
