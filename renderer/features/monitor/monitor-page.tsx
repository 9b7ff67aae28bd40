import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { Device } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useClient, useCommitClock, useConnection, useGpuFeed, useGpuStore, useSettings } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { GpuCard } from './gpu-card.tsx';
import { createHistoryLoader } from './history-loader.ts';
import { createMonitorBoard, type MonitorBoard } from './monitor-board.ts';
import { MonitorHead } from './monitor-head.tsx';
import { monitorParts } from './monitor-parts.ts';
import { ProcessPanel } from './process-panel.tsx';
import { followRange } from './view.ts';
import './monitor.css';

export interface MonitorPageProps {
  readonly readiness: ReactNode;
  readonly banner: ReactNode;
  /** Shown in place of the cards when the source has trouble and there is no device. */
  readonly empty: ReactNode;
}

const noDevices: readonly Device[] = [];

/** Devices that are shown: the selection of the top bar, or all. Pure. */
export function decideShown(devices: readonly Device[], selection: readonly string[]): readonly Device[] {
  const chosen = selection.length === 0 ? devices : devices.filter((d) => selection.includes(d.uuid) || (d.parentUuid !== null && selection.includes(d.parentUuid)));
  return chosen.toSorted((a, b) => a.index - b.index || a.kind.localeCompare(b.kind));
}

/** With so few cards there is room for taller charts. */
const FEW = 2;
/** With more than this there are two rows on the widest screens: both shall be seen. */
const ONE_ROW = 4;

export function MonitorPage({ readiness, banner, empty }: MonitorPageProps): ReactNode {
  const inventory = useGpuStore((s) => s.inventory);
  const selection = useGpuStore((s) => s.selection);
  const known = valueOf(inventory);
  const devices = known?.devices ?? noDevices;
  const shown = useMemo(() => decideShown(devices, selection), [devices, selection]);
  const board = useMonitorBoard();
  const historyProblem = useHistory(board, shown.length);

  if (inventory.state === 'failed') return <div className="page mon">{banner}{empty}</div>;
  if (known === null || (known.state === 'starting' && devices.length === 0)) {
    return (
      <div className="page mon" aria-busy="true">
        {readiness}
        <p className="starting">Looking for GPUs…</p>
      </div>
    );
  }
  if (devices.length === 0) {
    return (
      <div className="page mon">
        {readiness}
        {banner}
        {empty}
      </div>
    );
  }
  return (
    <div className={`page mon${shown.length <= FEW ? ' few' : ''}${shown.length === 1 ? ' one' : ''}${shown.length > ONE_ROW ? ' rows' : ''}`}>
      {readiness}
      {banner}
      {board && (
        <>
          <MonitorHead board={board} devices={shown} driver={known.driver} historyProblem={historyProblem} rateNote={known.rateNote} />
          <section className="gpus" aria-label="GPUs">
            {shown.map((d) => (
              <GpuCard key={d.uuid} device={d} parent={devices.find((p) => p.uuid === d.parentUuid) ?? null} simulated={known.simulated} board={board} />
            ))}
          </section>
        </>
      )}
      <ProcessPanel inventory={known} selection={selection} />
    </div>
  );
}

/** The board of this page. Made in an effect, so that it is there exactly as long as the page. */
function useMonitorBoard(): MonitorBoard | null {
  const feed = useGpuFeed();
  const clock = useCommitClock();
  const { settings } = useApp();
  const [board, setBoard] = useState<MonitorBoard | null>(null);
  useEffect(() => {
    const parts = monitorParts(feed);
    const made = createMonitorBoard({ series: parts.series, feed, clock, root: document.documentElement, view: parts.view ?? followRange(settings.getState().current.monitor.range) });
    const forget = made.onView(() => {
      parts.view = made.view();
    });
    setBoard(made);
    return () => {
      forget();
      made.stop();
    };
  }, [feed, clock, settings]);
  const range = useSettings((s) => s.monitor.range);
  const before = useRef(range);
  useEffect(() => {
    // Changed elsewhere (another window, the settings' answer after the start): follow it.
    if (board && range !== before.current && board.view().range !== range) board.setView(followRange(range));
    before.current = range;
  }, [board, range]);
  return board;
}

/** Keeps the readings before the page's own whole, for whatever window is shown. */
function useHistory(board: MonitorBoard | null, shownCount: number): Problem | null {
  const client = useClient();
  const feed = useGpuFeed();
  const connected = useConnection((s) => s.state === 'ready');
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (!board || !connected || shownCount === 0) return;
    const { series } = monitorParts(feed);
    const loader = createHistoryLoader({ client, series, onLoaded: board.refresh, onProblem: (next) => setProblem((now) => (now?.code === next?.code ? now : next)) });
    const want = (): void => loader.want(board.view(), board.plotWidth() * (globalThis.devicePixelRatio || 1) || 600);
    const removers = [
      board.onView(want),
      feed.onFrame((item) => {
        if (item.type === 'gap') want();
      }),
    ];
    want();
    return () => {
      loader.stop();
      for (const remove of removers) remove();
    };
  }, [board, client, feed, connected, shownCount]);
  return problem;
}
