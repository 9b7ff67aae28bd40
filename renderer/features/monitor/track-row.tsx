import { memo, type ReactNode } from 'react';
import type { Device } from '../../../contract/gpu.ts';
import type { MetricKey } from '../../../contract/metrics.ts';
import { NotReported } from '../../ui/value.tsx';
import type { SlowedBy } from './monitor-board.ts';
import type { Track, TrackLine } from './tracks.ts';

/** A number that the board writes: React makes the nodes once and leaves their text alone. */
export function LiveValue({ attribute, metric }: { readonly attribute: 'data-at' | 'data-now'; readonly metric: MetricKey }): ReactNode {
  return (
    <span {...{ [attribute]: metric }}>
      <span />
      <span className="u" />
    </span>
  );
}

function Readout({ device, metric, label, line }: { readonly device: Device; readonly metric: MetricKey; readonly label: string; readonly line: TrackLine | null }): ReactNode {
  const missing = device.notReported[metric];
  return (
    <div>
      <span className={missing || line === null ? 'k nokey' : 'k'}>
        {!missing && line !== null && <i className={line.role === 'main' ? 'key k1' : 'key two g2'} />}
        {label}
      </span>
      {missing ? <NotReported reason={missing.text} /> : <LiveValue attribute="data-at" metric={metric} />}
    </div>
  );
}

const keyOf = { power: 'key pw', heat: 'key ht', hardware: 'key hw' } as const;

/** One thin chart: label with the ends of its axis, room for the plot (drawn by the card's one canvas), readouts. */
export const TrackRow = memo(function TrackRow({ track, device, slowedBy, onShowSpan }: { readonly track: Track; readonly device: Device; readonly slowedBy: SlowedBy; onShowSpan(show: boolean): void }): ReactNode {
  const lines = track.lines.toReversed();
  const missing = track.kind === 'spans' ? device.notReported['eventReasons'] : undefined;
  return (
    <div className={`tr${track.kind === 'spans' ? ' thr' : ''}`} data-track={track.key} style={{ '--h': `var(--h-${track.key === 'nvlink' ? 'pcie' : track.key})` } as Record<string, string>}>
      <div className="l">
        <div>{track.title}</div>
        {track.kind === 'lines' && (
          <>
            <span className="hi" data-end={`${track.key}-hi`}>{track.hi === null ? track.formatEnd(track.leastTop) : track.formatEnd(track.hi)}</span>
            <span className="lo" data-end={`${track.key}-lo`}>{track.formatEnd(track.lo)}</span>
          </>
        )}
      </div>
      <div className="p" />
      <div className="r">
        {track.kind === 'lines' ? (
          <>
            {lines.map((line) => (
              <Readout key={line.metric} device={device} metric={line.metric} label={line.label} line={line} />
            ))}
            {track.limit?.readout && track.limit.value !== null && (
              <div>
                <span className="k">
                  <i className="key dash g2" />
                  {track.limit.label}
                </span>
                <span data-limit={track.key}>
                  <span>{track.format(track.limit.value).text}</span>
                  <span className="u">{track.format(track.limit.value).unit}</span>
                </span>
              </div>
            )}
            {track.readouts.map((r) => (
              <Readout key={r.metric} device={device} metric={r.metric} label={r.label} line={null} />
            ))}
          </>
        ) : (
          <div>
            {missing ? (
              <>
                <span className="k">unknown</span>
                <NotReported reason={missing.text} />
              </>
            ) : slowedBy === null ? (
              <span className="k">not slowed</span>
            ) : (
              <button type="button" className="slowed" title="What slowed it, and what to do" onMouseEnter={() => onShowSpan(true)} onMouseLeave={() => onShowSpan(false)} onFocus={() => onShowSpan(true)} onBlur={() => onShowSpan(false)}>
                <span className="k">
                  <i className={keyOf[slowedBy.kind]} />
                  {slowedBy.label}
                </span>
                <span data-slowed="">
                  <span />
                  <span className="u" />
                </span>
              </button>
            )}
          </div>
        )}
      </div>
    </div>
  );
});
