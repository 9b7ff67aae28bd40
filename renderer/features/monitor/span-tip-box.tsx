import type { ReactNode } from 'react';
import { formatClock, formatDuration, formatMhz, formatPercent } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import type { SpanTip } from './span-tip.ts';

/** Kind, since when, how long, what it costs, what to do. Opens on the side of its span that has room. */
export function SpanTipBox({ tip }: { readonly tip: SpanTip }): ReactNode {
  const { span, drop } = tip;
  const side = tip.fraction > 0.5 ? { right: `calc(var(--rc) + (100% - var(--lc) - var(--rc)) * ${(1 - tip.fraction + 0.02).toFixed(3)})` } : { left: `calc(var(--lc) + (100% - var(--lc) - var(--rc)) * ${(tip.fraction + 0.02).toFixed(3)})` };
  return (
    <div className={`tip span-tip ${span.kind}`} role="tooltip" style={side}>
      <h3>
        <Icon name={span.kind === 'power' ? 'info' : span.kind === 'heat' ? 'warn' : 'bad'} small />
        {tip.title}
      </h3>
      <dl>
        <dt>Since</dt>
        <dd>
          {tip.cutOff ? 'before ' : ''}
          {formatClock(span.fromMs)}
          {span.lasting ? '' : ` to ${formatClock(span.toMs)}`}, {formatDuration((span.toMs - span.fromMs) / 1000)}
        </dd>
        {drop && (
          <>
            <dt>Clock</dt>
            <dd>
              {formatMhz(drop.beforeMhz).text} → {formatMhz(drop.duringMhz).text}
              <span className="u">MHz</span>
            </dd>
            <dt>Cost</dt>
            <dd>
              <span className="est">{formatPercent(drop.lossPercent).text}</span>
              <span className="u">% of the clock while it lasts</span>
            </dd>
          </>
        )}
      </dl>
      <div className="do">{tip.advice}</div>
    </div>
  );
}
