import { useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react';
import type { Device, DriverInfo } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useGpuFeed, useRegisterIntents, useSettingsStore } from '../../app/context.tsx';
import type { Intent } from '../../app/intents.ts';
import { problemFrom } from '../../connection/problem-from.ts';
import { Button } from '../../ui/button.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { buildCsv } from './csv.ts';
import { encodePng } from './export-png.ts';
import type { MonitorBoard } from './monitor-board.ts';
import { monitorParts } from './monitor-parts.ts';
import { MenuButton } from './menu-button.tsx';
import { PeriodForm } from './period-form.tsx';
import { RecordForm } from './record-form.tsx';
import { formatWindow } from './time-axis.ts';
import { followRange, isFollowing, isWholeRange, ranges, resume, showPiece, type RangeKey } from './view.ts';

export interface MonitorHeadProps {
  readonly board: MonitorBoard;
  readonly devices: readonly Device[];
  readonly driver: DriverInfo;
  readonly historyProblem: Problem | null;
  readonly rateNote: string | null;
}

/** `2026-11-21T14-32-40`, for file names. */
const stamp = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replaceAll(':', '-');

/** Title, window, range, pause, record, export. */
export function MonitorHead({ board, devices, driver, historyProblem, rateNote }: MonitorHeadProps): ReactNode {
  const app = useApp();
  const feed = useGpuFeed();
  const update = useSettingsStore((s) => s.update);
  const view = useSyncExternalStore(board.onView, board.view);
  const text = useRef<HTMLSpanElement>(null);
  const following = isFollowing(view);

  useEffect(() => board.onWindow((fromMs, toMs) => {
    const line = formatWindow(fromMs, toMs);
    if (text.current && text.current.textContent !== line) text.current.textContent = line;
  }), [board]);

  const setRange = (range: RangeKey): void => {
    board.setView(followRange(range));
    void update({ monitor: { range } });
  };
  const exports = useMemo(() => {
    const save = async (name: string, bytes: Uint8Array): Promise<void> => {
      try {
        const place = await app.shell.saveFile({ suggestedName: name, bytes });
        if (place !== null) app.ui.getState().say(`Saved as ${place}.`);
      } catch (error) {
        app.ui.getState().complain(problemFrom(error));
      }
    };
    const range = (): { fromMs: number; toMs: number } => {
      const toMs = board.view().toMs ?? monitorParts(feed).series.newestMs() ?? Date.now();
      return { fromMs: toMs - board.view().spanMs, toMs };
    };
    return {
      csv: () => save(`warpdeck-${stamp(range().toMs)}.csv`, new TextEncoder().encode(buildCsv(monitorParts(feed).series, devices, range().fromMs, range().toMs))),
      png: async () => save(`warpdeck-${stamp(range().toMs)}.png`, await encodePng(board.paintAll(), formatWindow(range().fromMs, range().toMs), document.documentElement)),
    };
  }, [app, board, devices, feed]);

  useRegisterIntents(useMemo<readonly Intent[]>(() => [
    { id: 'monitor.pause', title: 'Pause or resume the charts', group: 'do', icon: 'pause', detail: 'Space on a chart', guard: () => null, perform: () => board.togglePause() },
    { id: 'monitor.exportCsv', title: 'Export the shown window as CSV', group: 'do', icon: 'save', guard: () => null, perform: exports.csv },
    { id: 'monitor.exportPng', title: 'Export the shown charts as PNG', group: 'do', icon: 'save', guard: () => null, perform: exports.png },
  ], [board, exports]));

  return (
    <div className="head">
      <h1>Monitor</h1>
      <span ref={text} className="sub window" />
      {driver.driverVersion !== null && (
        <span className="sub hide-m">
          driver {driver.driverVersion}
          {driver.cudaVersion === null ? '' : ` · CUDA ${driver.cudaVersion}`}
        </span>
      )}
      {rateNote !== null && <span className="sub hide-m trunc" title={rateNote}>{rateNote}</span>}
      {historyProblem && view.spanMs > 60_000 && (
        <span className="sub trunc" role="status" title={`${historyProblem.cause} ${historyProblem.remedy}`}>
          {historyProblem.title}; only readings since this page was opened are drawn.
        </span>
      )}
      <span className="sp" />
      {(!following || !isWholeRange(view)) && (
        <Button look="bare" onClick={() => board.setView(followRange(view.range))} title="Back to the range, and on with the newest reading (double click on a chart)">
          Back to now
        </Button>
      )}
      <Segmented label="Range" options={ranges.map((r) => ({ value: r.key, text: r.label }))} value={isWholeRange(view) && following ? view.range : null} onChange={setRange} />
      <MenuButton text="Period" className="hide-s" title="Any two times, from the history">
        {(close) => <PeriodForm initialToMs={view.toMs ?? Date.now()} spanMs={view.spanMs} onShow={(from, to) => {
          board.setView(showPiece(view, from, to));
          close();
        }} />}
      </MenuButton>
      <Button icon={following ? 'pause' : 'play'} aria-pressed={!following} title={following ? 'Hold the charts still (Space on a chart)' : 'Go on with the newest reading'} onClick={() => (following ? board.togglePause() : board.setView(isWholeRange(view) ? resume(view) : followRange(view.range)))}>
        {following ? 'Pause' : 'Resume'}
      </Button>
      <MenuButton text="Record" title="Record what the driver says, as a file that can be replayed">
        {(close) => <RecordForm onDone={close} />}
      </MenuButton>
      <MenuButton text="Export" title="Save exactly what is shown" menu>
        {(close) => (
          <>
            <button type="button" role="menuitem" onClick={() => { close(); void exports.csv(); }}>
              Values as CSV
            </button>
            <button type="button" role="menuitem" onClick={() => { close(); void exports.png(); }}>
              Charts as PNG
            </button>
          </>
        )}
      </MenuButton>
    </div>
  );
}
