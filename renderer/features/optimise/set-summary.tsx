import { useEffect, type ReactNode } from 'react';
import type { ChosenToggle, EffectCard } from '../../../contract/optimize.ts';
import type { Job } from '../../../contract/jobs.ts';
import { useApp } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { countVerdicts } from './effect-choice.ts';
import { describeEnergyChange, describeError, describeInterval, describeMemory, formatRatio, verdictLook } from './effect-words.ts';
import { FactValue } from './effect-facts.tsx';
import { TroubleNote } from './trouble-note.tsx';

export interface SetSummaryProps {
  readonly draft: readonly ChosenToggle[];
  /** The measurement of exactly these switches together. */
  readonly total: EffectCard | null;
  /** What each card shows. */
  readonly shown: readonly (EffectCard | null)[];
  readonly job: Job | null;
  /** At the right of the counts. */
  readonly tools: ReactNode;
  onMeasure(): void;
}

const REASON = 'These switches were not measured together.';

/** What all switches that are on do together, measured as a set. */
export function SetSummary({ draft, total, shown, job, tools, onMeasure }: SetSummaryProps): ReactNode {
  const { optimise } = useApp();
  useEffect(() => {
    if (total?.verdict === null) void optimise.getState().readDetail(total);
  }, [optimise, total]);
  const running = job !== null || total?.verdict === null;
  const ran = total !== null && total.verdict !== 'could_not_run' ? total : null;
  const interval = ran === null ? null : describeInterval(ran);
  const none = { text: null, unit: '' };
  return (
    <>
      <div className="panel sum" role="group" aria-label="Together">
        <div className="together">
          <span className="lab">On together</span>
          <b>{ran?.ratio == null ? <span className="q">{draft.length === 0 ? 'none is on' : running ? 'measuring' : total === null ? 'not measured' : plainText(total.sentence)}</span> : <>{running && <span className="est" />}{formatRatio(ran.ratio)}× {interval !== null && <span className="u">{interval}</span>}</>}</b>
          <span className="sub" title={ran?.stale ?? undefined}>{ran === null || running ? 'effects do not multiply' : ran.stale === null ? (draft.length === 1 ? 'this switch alone' : 'measured as a set; effects do not multiply') : `stale: ${plainText(ran.stale)}`}</span>
          {draft.length > 0 && (running ? job !== null && <Cancel job={job} /> : <Button small onClick={onMeasure} aria-label={`${total === null ? 'Measure' : 'Again'}: ${formatCount(draft.length, 'switch', 'switches')} together`}>{total === null ? 'Measure' : 'Again'}</Button>)}
        </div>
        <div><span className="lab">Largest error</span><b><FactValue fact={ran === null ? none : { ...describeError({ a: { ...ran.a, error: null }, b: ran.b }) }} waits={running} reason={ran === null ? REASON : 'This workload has no reference to compare with.'} /></b><span className="sub">relative, against FP64</span></div>
        <div><span className="lab">Memory</span><b><FactValue fact={ran === null ? none : describeMemory(ran)} waits={running} reason={ran === null ? REASON : 'The allocator’s peak was not reported here.'} /></b><span className="sub">peak reserved</span></div>
        <div><span className="lab">Energy</span><b><FactValue fact={ran === null ? none : describeEnergyChange(ran)} waits={running} reason={ran === null ? REASON : 'No energy or power reading came from this place.'} /></b><span className="sub">{ran === null ? 'per repetition' : `${plainText(ran.workload.title)}, per repetition`}</span></div>
        <div className="cnt">
          <div className="cnthead"><span className="lab">{formatCount(shown.length, 'switch', 'switches')}</span><span className="sp" />{tools}</div>
          <ul>
            {countVerdicts(shown).map(({ verdict, count }) => {
              if (verdict === null) return <li key="none"><span className="st"><Icon name="ring" />{count} not measured</span></li>;
              const look = verdictLook(verdict === 'measuring' ? null : verdict);
              return <li key={verdict}><span className={`st ${look.kind ?? ''}`}><Icon name={look.icon} />{count} {verdict === 'helps' && count === 1 ? 'helps' : verdict === 'hurts' && count === 1 ? 'hurts' : look.counted}</span></li>;
            })}
          </ul>
        </div>
      </div>
      {total?.problem != null && <TroubleNote problem={total.problem} onRetry={onMeasure} retryLabel="Measure again" />}
    </>
  );
}

function Cancel({ job }: { readonly job: Job }): ReactNode {
  const { jobs } = useApp();
  return <Button look="bare" small icon="x" label={`Cancel: ${job.title}`} disabled={job.state === 'cancelling'} onClick={() => void jobs.getState().cancel(job.id)} />;
}
