import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Drift, EnvironmentReport } from '../../../contract/verdict.ts';
import type { Logger } from '../../logging/logger.ts';
import { decideDrift, mergeDrifts, stateOfReport, type EnvironmentState } from './decide-drift.ts';
import { KEPT_DRIFTS, readDriftFile, writeDriftFile, type StoredState } from './drift-file.ts';
import { decideInstaller, type SeenProcess } from './name-installer.ts';
import { readInstallerProcesses } from './read-processes.ts';

export interface DriftWatchOptions {
  readonly folder: string;
  readonly log: Logger;
  /** An upgrade or rollback of Warpdeck runs there, or has ended since that time (Unix ms). */
  readonly isOurs: (environmentId: string, sinceMs: number) => boolean;
  /** The newest upgrade or snapshot by which the environment can go back to that state; null without one. */
  readonly findWayBack: (environmentId: string, before: EnvironmentState) => string | null | Promise<string | null>;
  readonly readProcesses?: () => Promise<readonly SeenProcess[]>;
  readonly now?: () => number;
}

type Place = Pick<FoundEnvironment, 'id' | 'prefix' | 'projectFolder'>;
type Looked = Pick<EnvironmentReport, 'environment' | 'xray' | 'worst'>;

export interface DriftWatch {
  /** Reads what is stored. Once, before the rest. */
  load(): Promise<void>;
  /** Files of these changed just now: who is at work there is remembered until the next look. */
  noteChange(environments: readonly Place[]): Promise<void>;
  /** Compares with the last known state and remembers the new one. Answers what is new. Never rejects. */
  look(reports: readonly Looked[]): Promise<readonly Drift[]>;
  /** Newest first. */
  list(): Drift[];
  see(id: string): void;
  /** The list changed. */
  onChange(listener: () => void): () => void;
  /** One is new, or goes on (same id). */
  onDrift(listener: (drift: Drift) => void): () => void;
}

/** How long an installer that was seen counts as the one that did it, ms: files settle, then a scan follows. */
const REMEMBER_MS = 10 * 60_000;

export function createDriftWatch(options: DriftWatchOptions): DriftWatch {
  const now = options.now ?? Date.now;
  const readProcesses = options.readProcesses ?? readInstallerProcesses;
  const path = join(options.folder, 'drift.json');
  const states = new Map<string, StoredState>();
  const installers = new Map<string, { readonly by: string; readonly atMs: number }>();
  const changeListeners = new Set<() => void>();
  const driftListeners = new Set<(drift: Drift) => void>();
  let drifts: readonly Drift[] = [];
  let busy: Promise<unknown> = Promise.resolve();
  let writing: Promise<unknown> = Promise.resolve();

  const save = (): Promise<unknown> => {
    writing = writing
      .then(() => writeDriftFile(path, { states, drifts }))
      .catch((error: unknown) => { options.log.warn('What environments were like could not be stored', { path, error }); });
    return writing;
  };
  const tell = (): void => { for (const listener of [...changeListeners]) listener(); };

  const note = async (environments: readonly Place[]): Promise<void> => {
    const processes = await readProcesses().catch((): SeenProcess[] => []);
    for (const environment of environments) {
      const by = decideInstaller(processes, environment);
      if (by !== null) installers.set(environment.id, { by, atMs: now() });
    }
  };

  /** Puts a drift into the list, or lengthens or takes back the one before it. */
  const record = (found: Drift): Drift | null => {
    const earlier = drifts.find((d) => d.environmentId === found.environmentId);
    const merged = earlier === undefined ? 'separate' : mergeDrifts(earlier, found);
    if (earlier === undefined || merged === 'separate') {
      drifts = [found, ...drifts].slice(0, KEPT_DRIFTS);
      return found;
    }
    const rest = drifts.filter((d) => d.id !== earlier.id);
    drifts = merged === null ? rest : [merged, ...rest];
    return merged;
  };

  const lookAt = async (report: Looked): Promise<{ readonly changed: boolean; readonly drift: Drift | null }> => {
    const { environment } = report;
    const after = stateOfReport(report);
    if (after === null) return { changed: false, drift: null };
    const before = states.get(environment.id);
    const atMs = now();
    states.set(environment.id, { ...after, atMs });
    if (before === undefined) return { changed: true, drift: null };
    if (before.torch === after.torch && before.worst === after.worst && before.packagesHash === after.packagesHash) return { changed: false, drift: null };
    const context = { id: `drift-${atMs.toString(36)}-${randomBytes(4).toString('hex')}`, environmentId: environment.id, environmentName: environment.name, atMs, ours: options.isOurs(environment.id, before.atMs) };
    const candidate = decideDrift(before, after, { ...context, by: null, upgradeId: null });
    if (candidate === null) return { changed: true, drift: null };
    // It may be at work still, or have been seen when the files changed.
    await note([environment]);
    const seen = installers.get(environment.id);
    const by = seen !== undefined && atMs - seen.atMs <= REMEMBER_MS ? seen.by : report.xray?.torch?.installer ?? null;
    const upgradeId = await Promise.resolve().then(() => options.findWayBack(environment.id, before)).catch(() => null);
    return { changed: true, drift: record({ ...candidate, by, upgradeId }) };
  };

  const lookAll = async (reports: readonly Looked[]): Promise<readonly Drift[]> => {
    const before = drifts;
    const fresh: Drift[] = [];
    let changed = false;
    for (const report of reports) {
      try {
        const one = await lookAt(report);
        changed ||= one.changed;
        if (one.drift !== null) fresh.push(one.drift);
      } catch (error) {
        options.log.warn('A change of an environment could not be judged', { id: report.environment.id, error });
      }
    }
    if (changed) await save();
    for (const drift of fresh) for (const listener of [...driftListeners]) listener(drift);
    if (drifts !== before) tell();
    return fresh;
  };

  return {
    async load() {
      const file = await readDriftFile(path);
      if (file === null) {
        // The previous one is whole: it was put aside by a rename.
        options.log.warn('What environments were like could not be read', { path });
      }
      const { states: stored, drifts: kept } = file ?? (await readDriftFile(`${path}.previous`)) ?? { states: new Map<string, StoredState>(), drifts: [] };
      for (const [id, state] of stored) if (!states.has(id)) states.set(id, state);
      drifts = [...drifts, ...kept.filter((d) => !drifts.some((e) => e.id === d.id))];
      if (kept.length > 0) tell();
    },
    noteChange: note,
    look(reports) {
      // One look after the other: two would compare with the same state.
      const mine = busy.then(() => lookAll(reports));
      busy = mine.catch(() => undefined);
      return mine;
    },
    list: () => [...drifts],
    see(id) {
      if (!drifts.some((d) => d.id === id && !d.seen)) return;
      drifts = drifts.map((d) => (d.id === id ? { ...d, seen: true } : d));
      void save();
      tell();
    },
    onChange(listener) {
      changeListeners.add(listener);
      return () => void changeListeners.delete(listener);
    },
    onDrift(listener) {
      driftListeners.add(listener);
      return () => void driftListeners.delete(listener);
    },
  };
}
