import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../contract/problem.ts';
import { defaultSettings, settings as settingsSchema, SETTINGS_VERSION, type Settings, type SettingsStatus } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
import { writeFileAtomic } from '../storage/write-file-atomic.ts';
import { describeIssue, mergeDocument, parsePatch, parseSettings, type ParsedSettings, type SettingsDocument } from './parse-settings.ts';

export interface SettingsStore {
  get(): Settings;
  status(): SettingsStatus;
  /** What is wrong with the file, or null. */
  problem(): Problem | null;
  /**
   * Applies a change (contract `settingsPatch`) and saves it. A file that cannot be written does not refuse the change:
   * it counts in memory and the status says so.
   * @throws ProblemError `input.invalid`
   */
  update(patch: unknown): Promise<SettingsStatus>;
  /** Called after every change, also of the status. Returns the way to stop listening. */
  onChange(listener: () => void): () => void;
}

export interface SettingsOptions {
  /** null: kept in memory only. */
  readonly path: string | null;
  readonly log: Logger;
  readonly now?: () => number;
}

interface Loaded {
  readonly document: SettingsDocument;
  readonly settings: Settings;
  readonly state: SettingsStatus['state'];
  readonly problem: Problem | null;
}

/** Reads the file once, at the start of the engine: the only synchronous reading. */
export function createSettings({ path, log, now = Date.now }: SettingsOptions): SettingsStore {
  const loaded = path === null ? fresh() : load(path, log, now());
  let { document, settings, state, problem } = loaded;
  const listeners = new Set<() => void>();
  let saving: Promise<void> = Promise.resolve();

  const status = (): SettingsStatus => ({ settings, path: path ?? '', state, note: problem === null ? null : `${problem.cause} ${problem.remedy}` });
  const tell = (): void => {
    for (const listener of [...listeners]) listener();
  };

  /** Writes what counts now. Writes follow each other; the last one has everything. */
  const save = async (target: string): Promise<void> => {
    if (state === 'read_only_newer') return;
    try {
      await writeFileAtomic(target, `${JSON.stringify(document, null, 2)}\n`, { keepPrevious: true });
      state = 'ok';
      problem = null;
    } catch (error) {
      const detail = problemOf(error)?.facts['detail'] ?? String(error);
      state = 'not_writable';
      problem = makeProblem('settings.not_writable', { path: target, detail });
      log.warn('The settings cannot be saved', { detail });
    }
  };

  return {
    get: () => settings,
    status,
    problem: () => problem,
    async update(patch) {
      const change = parsePatch(patch);
      const checked = settingsSchema.safeParse(mergeDocument(settings, change));
      if (!checked.success) throw problemError('input.invalid', { detail: describeIssue(checked.error) });
      settings = checked.data;
      document = { ...mergeDocument(document, change), schemaVersion: state === 'read_only_newer' ? document['schemaVersion'] : SETTINGS_VERSION };
      tell();
      if (path !== null) {
        const before = state;
        saving = saving.then(() => save(path));
        await saving;
        if (state !== before) tell();
      }
      return status();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function fresh(): Loaded {
  return { document: { schemaVersion: SETTINGS_VERSION }, settings: defaultSettings, state: 'ok', problem: null };
}

/** null where there is no file; throws nothing. */
function readParsed(path: string): ParsedSettings | null {
  try {
    return parseSettings(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return { kind: 'broken', detail: error instanceof Error ? error.message : String(error) };
  }
}

function load(path: string, log: Logger, nowMs: number): Loaded {
  const parsed = readParsed(path);
  if (parsed === null) return fresh();
  if (parsed.kind === 'ok') return { ...parsed, state: 'ok', problem: null };
  if (parsed.kind === 'newer') {
    const problem = makeProblem('settings.newer', { path, found: parsed.found, known: SETTINGS_VERSION });
    log.warn('The settings are from a newer version', { found: parsed.found });
    return { ...parsed, state: 'read_only_newer', problem };
  }
  const aside = setAside(path, nowMs);
  const previous = readParsed(`${path}.previous`);
  const good = previous?.kind === 'ok' ? previous : null;
  const counts = good === null ? 'The defaults count.' : 'The settings that were saved before it count.';
  log.warn('The settings file is broken', { detail: parsed.detail, aside, previous: good !== null });
  const problem = makeProblem('settings.broken', { path, detail: parsed.detail, aside: aside ?? 'nothing: it could not be moved', counts });
  return { ...(good ?? fresh()), state: 'set_aside', problem };
}

/** Moves the broken file to a name with the date; a copy where it cannot be moved. null when neither works. */
function setAside(path: string, nowMs: number): string | null {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '-');
  let aside = `${path}.broken-${stamp}`;
  for (let n = 2; existsSync(aside); n++) aside = `${path}.broken-${stamp}-${n}`;
  for (const move of [renameSync, copyFileSync]) {
    try {
      move(path, aside);
      return basename(aside);
    } catch {
      // The next way, or none: the file stays where it is until a change is saved.
    }
  }
  return null;
}
