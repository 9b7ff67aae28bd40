import { useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Inventory, ProcessReading } from '../../../contract/gpu.ts';
import { useApp, useClient, useCommitClock, useSettings, useSettingsStore } from '../../app/context.tsx';
import { consumeStream } from '../../connection/consume-stream.ts';
import { loading, ready, troubled, valueOf, type Remote } from '../../connection/remote.ts';
import { Age } from '../../ui/age.tsx';
import { formatCount } from '../../ui/format.ts';
import { MenuButton } from './menu-button.tsx';
import { decideColumns, decideRows, processColumns, type CellContext, type Sorting } from './process-columns.tsx';
import { ProcessTable } from './process-table.tsx';

/** The engine reads them every two seconds. */
const PERIOD_MS = 2000;

/** Who is on the GPUs: filter, columns, and the table. */
export function ProcessPanel({ inventory, selection }: { readonly inventory: Inventory; readonly selection: readonly string[] }): ReactNode {
  const reading = useProcesses();
  const chosen = useSettings((s) => s.monitor.processColumns);
  const update = useSettingsStore((s) => s.update);
  const [filter, setFilter] = useState('');
  const [sorting, setSorting] = useState<Sorting>({ id: 'memory', descending: true });
  const value = valueOf(reading);
  const devices = useMemo(() => new Map(inventory.devices.map((d) => [d.uuid, d])), [inventory.devices]);
  const nowMs = reading.state === 'stale' ? Date.now() : (value?.atMs ?? 0);
  const context = useMemo<CellContext | null>(() => (value ? { devices, reading: value, simulated: inventory.simulated, nowMs: value.atMs } : null), [devices, value, inventory.simulated]);
  const rows = useMemo(() => (context ? decideRows(context.reading.processes, { selection, filter, sorting, context }) : []), [context, selection, filter, sorting]);
  const columns = useMemo(() => decideColumns(chosen), [chosen]);
  const total = value?.processes.length ?? 0;
  const gpus = new Set(value?.processes.map((p) => p.gpuUuid)).size;
  const toggle = (id: string): void => {
    const shown = columns.map((c) => c.id);
    const next = shown.includes(id) ? shown.filter((c) => c !== id) : [...shown, id];
    if (next.length > 0) void update({ monitor: { processColumns: processColumns.map((c) => c.id).filter((c) => next.includes(c)) } });
  };
  return (
    <section className={`panel procs${reading.state === 'stale' ? ' old' : ''}`} aria-label="Processes">
      <header>
        <h2>Processes</h2>
        {value && <span className="sub">{rows.length === total ? `${total} on ${formatCount(gpus, 'GPU')}` : `${rows.length} of ${total}`}</span>}
        <span className="sp" />
        {value && <Age atMs={value.atMs} nowMs={nowMs} periodMs={PERIOD_MS} />}
        <span className="inp l filter">
          <input type="search" aria-label="Filter processes" placeholder="Filter" value={filter} onChange={(e) => setFilter(e.target.value)} />
        </span>
        <MenuButton text="Columns" title="Choose the columns" menu>
          {() =>
            processColumns.map((c) => (
              <button key={c.id} type="button" role="menuitemcheckbox" aria-checked={columns.includes(c)} onClick={() => toggle(c.id)}>
                <span aria-hidden="true">{columns.includes(c) ? '✓' : ''}</span>
                {c.title}
              </button>
            ))
          }
        </MenuButton>
      </header>
      {reading.state === 'failed' ? (
        <p className="pad note" role="alert">{reading.problem.title}. {reading.problem.cause} {reading.problem.remedy}</p>
      ) : context === null ? (
        <p className="pad note">Reading processes…</p>
      ) : rows.length === 0 ? (
        <p className="pad note">{decideEmptyText(context.reading, total, filter, inventory)}</p>
      ) : (
        <ProcessTable rows={rows} columns={columns} context={context} sorting={sorting} onSort={setSorting} />
      )}
    </section>
  );
}

/** Why there is no row. Pure. */
export function decideEmptyText(reading: ProcessReading, total: number, filter: string, inventory: Pick<Inventory, 'inContainer'>): string {
  if (total > 0) return filter.trim() === '' ? 'No process on the selected GPUs.' : `No process matches "${filter.trim()}".`;
  const why = reading.notReported['processes'];
  if (why) return `Processes are not reported: ${why.text}`;
  return inventory.inContainer ? 'The driver lists no process. In a container it may not tell of those outside.' : 'No process is on a GPU.';
}

/** The stream of process lists, committed on the beat of all live text. */
function useProcesses(): Remote<ProcessReading> {
  const client = useClient();
  const { connection } = useApp();
  const clock = useCommitClock();
  const [remote, setRemote] = useState<Remote<ProcessReading>>(loading);
  useEffect(() => {
    let next: ProcessReading | null = null;
    const stop = consumeStream(
      connection,
      (signal) => client.gpus.watchProcesses({}, { signal }),
      (reading) => {
        next = reading;
      },
      (problem) => setRemote((now) => troubled(now, problem)),
    );
    const forget = clock.onTick((nowMs) => {
      if (next === null) return;
      setRemote(ready(next, nowMs));
      next = null;
    });
    return () => {
      stop();
      forget();
    };
  }, [client, clock, connection]);
  return remote;
}
