import { resolve } from 'node:path';
import { environmentKind } from '../../contract/environments.ts';
import type { Inventory } from '../../contract/gpu.ts';
import type { Job } from '../../contract/jobs.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import type { Advice } from '../../contract/upgrades.ts';
import { rowOfReport, type Drift, type EnvironmentMatrix, type EnvironmentReport, type GpuTarget, type Proof } from '../../contract/verdict.ts';
import { createGauge } from '../engine/gauge.ts';
import type { EnvironmentServices, JudgeFor } from '../engine/services.ts';
import type { JobContext, JobResult, Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import { reportEnvironment, scanEnvironments, xrayOne, type KnownEnvironment, type Probe, type Scan, type Users } from './scan-environments.ts';
import type { Tables } from './tables/read-tables.ts';
import { decideDriverFacts, decideTargets, type Machine } from './targets.ts';
import { decideForecast } from './verdict/decide-forecast.ts';
import { judgeImage } from './verdict/judge-image.ts';

/** What of the running processes concerns environments. */
export interface ProcessLookup {
  /** Real paths of the interpreters that run now. */
  interpreters(): Promise<readonly string[]>;
  /** Who runs from each environment now, by its id. */
  users(environments: readonly KnownEnvironment['found'][]): Promise<ReadonlyMap<string, Users>>;
}

export interface EnvironmentsOptions {
  readonly probe: Probe;
  readonly tables: () => Promise<Tables>;
  readonly machine: Machine;
  readonly inventory: () => Inventory;
  /** Its devices are hardware, or were asked for by name: they may be judged for. */
  readonly devicesCount: () => boolean;
  readonly folders: () => readonly string[];
  readonly setFolders: (folders: readonly string[]) => Promise<void>;
  readonly jobs: Jobs;
  readonly processes: ProcessLookup;
  readonly proofs: { list(environmentId: string | null): Proof[]; latest(environmentId: string, torchVersion: string | null, driverVersion: string | null): Proof[] };
  readonly prove: (report: EnvironmentReport, targets: readonly GpuTarget[], driverVersion: string | null, steps: readonly string[] | null, job: JobContext) => Promise<readonly Proof[]>;
  readonly drift: { list(): Drift[]; see(id: string): void; onChange(listener: () => void): () => void; look(reports: readonly EnvironmentReport[]): void };
  readonly advise: (report: EnvironmentReport | null, targets: readonly GpuTarget[], driver: ReturnType<typeof decideDriverFacts>, tables: Tables, indexReachable: boolean | null) => Promise<Advice>;
  /** What to watch for changes from now on. */
  readonly watch: (environments: readonly KnownEnvironment['found'][]) => void;
  readonly log: Logger;
}

export interface Environments extends EnvironmentServices {
  /** An environment with verdicts for these GPUs, read again now. @throws ProblemError `env.not_found` */
  readNow(id: string, judge: JudgeFor): Promise<EnvironmentReport>;
  /** Advice for what was just read, with what is known of the network. */
  adviseOn(report: EnvironmentReport, judge: JudgeFor, indexReachable: boolean | null): Promise<Advice>;
  /** As last judged for this machine. */
  reports(): readonly EnvironmentReport[];
  /** Read these again: something changed them. */
  reread(ids: readonly string[]): Promise<void>;
  onChange(listener: () => void): () => void;
  /** The GPUs were found, lost, or their driver changed: verdicts are made anew. */
  rejudge(): void;
}

/** A scan that is not older is not made again for a question about other GPUs, ms. */
const FRESH_MS = 30_000;

/** Finds, reads and judges environments; keeps what was read and makes verdicts of it when asked. */
export function createEnvironments(options: EnvironmentsOptions): Environments {
  const { jobs, machine, probe } = options;
  const log = options.log.child('environments');
  const listeners = new Set<() => void>();
  let known: readonly KnownEnvironment[] = [];
  /** Read because somebody named them: a search that does not come by there must not forget them. */
  const named = new Set<string>();
  let last: Scan | null = null;
  let scanning: { readonly job: Job; readonly done: Promise<void> } | null = null;
  let users: ReadonlyMap<string, Users> = new Map();
  let revision = 0;
  let progress = { found: 0, judged: 0 };
  let tables: Tables | null = null;
  let current: readonly EnvironmentReport[] = [];

  const getTables = async (): Promise<Tables> => (tables ??= await options.tables());
  const about = (judge: JudgeFor, t: Tables): { targets: GpuTarget[]; driver: ReturnType<typeof decideDriverFacts>; tables: Tables } => ({
    targets: decideTargets(judge.for, options.inventory().devices, options.devicesCount(), t),
    driver: decideDriverFacts(options.inventory(), options.devicesCount(), judge.driver, machine),
    tables: t,
  });
  const own: JudgeFor = { for: [], driver: null };

  const report = (one: KnownEnvironment, judged: ReturnType<typeof about>, ofThisMachine: boolean): EnvironmentReport => reportEnvironment(one, {
    ...judged,
    proofs: ofThisMachine ? options.proofs.latest(one.found.id, one.xray?.torch?.version ?? null, judged.driver.version) : [],
    users: users.get(one.found.id) ?? [],
  });

  const makeMatrix = (): EnvironmentMatrix => {
    const judged = tables === null ? null : about(own, tables);
    const note = judged !== null && judged.targets.length === 0 ? (options.inventory().problem?.severity === 'problem' ? 'The driver does not answer, so there is no GPU to judge for.' : 'This machine has no NVIDIA GPU to judge for. Name one to see its verdicts.') : null;
    return {
      revision: ++revision, atMs: last?.atMs ?? Date.now(), state: scanning !== null ? 'scanning' : last === null ? 'never' : 'ready', tookMs: last?.tookMs ?? null, progress,
      targets: judged?.targets ?? [], driver: judged?.driver ?? decideDriverFacts(options.inventory(), options.devicesCount(), null, machine),
      rows: current.map(rowOfReport), problems: [...(last?.problems ?? [])], note,
    };
  };
  const gauge = createGauge<EnvironmentMatrix>(makeMatrix());
  const driftGauge = createGauge<Drift[]>(options.drift.list());
  options.drift.onChange(() => { driftGauge.publish(options.drift.list()); });

  const publish = (): void => {
    if (tables !== null) {
      const judged = about(own, tables);
      current = known.map((one) => report(one, judged, true));
    }
    gauge.publish(makeMatrix());
    for (const listener of [...listeners]) listener();
  };
  const refreshUsers = async (): Promise<void> => { users = await options.processes.users(known.map((k) => k.found)).catch(() => new Map<string, Users>()); };

  const runScan = async (context: JobContext): Promise<JobResult> => {
    await getTables();
    const scan = await scanEnvironments({ probe, folders: options.folders, interpreters: () => options.processes.interpreters() }, (found, read) => {
      progress = { found, judged: read.length };
      // The first search fills the list as it goes; a later one replaces it at once, so that nothing flickers.
      if (last === null) {
        const here = new Set(read.map((k) => k.found.id));
        known = [...read, ...known.filter((k) => named.has(k.found.id) && !here.has(k.found.id))];
        if (tables !== null) {
          const judged = about(own, tables);
          current = known.map((one) => report(one, judged, true));
        }
      }
      context.progress({ fraction: found === 0 ? null : read.length / found, doing: `${String(read.length)} of ${String(found)} read` });
      gauge.publish(makeMatrix());
    }, context.signal);
    const found = new Set(scan.environments.map((k) => k.found.id));
    known = [...scan.environments, ...known.filter((k) => named.has(k.found.id) && !found.has(k.found.id))];
    last = scan;
    await refreshUsers();
    options.watch(known.map((k) => k.found));
    return { environments: known.length, withTorch: known.filter((k) => k.xray?.torch != null).length, seconds: scan.tookMs / 1000 };
  };

  const scan = (): { readonly job: Job; readonly done: Promise<void> } => {
    if (scanning !== null) return scanning;
    let finish: () => void = () => undefined;
    const done = new Promise<void>((r) => { finish = r; });
    const job = jobs.start({ kind: 'scan', title: 'Looking for Python environments' }, async (context) => {
      try {
        return await runScan(context);
      } finally {
        scanning = null;
        publish();
        options.drift.look(current);
        finish();
      }
    });
    scanning = { job, done };
    publish();
    return scanning;
  };
  const scanned = async (withinMs: number): Promise<void> => {
    if (last === null || scanning !== null || Date.now() - last.atMs > withinMs) await scan().done;
  };
  const find = async (id: string): Promise<KnownEnvironment> => {
    if (!known.some((k) => k.found.id === id)) await scanned(Number.POSITIVE_INFINITY);
    const one = known.find((k) => k.found.id === id);
    if (one === undefined) throw problemError('env.not_found', { what: id });
    return one;
  };
  const replace = (fresh: KnownEnvironment): void => { known = known.some((k) => k.found.id === fresh.found.id) ? known.map((k) => (k.found.id === fresh.found.id ? fresh : k)) : [...known, fresh]; };

  /** Reads one folder, whether a scan knows it or not. */
  const readFolder = async (folder: string): Promise<readonly KnownEnvironment[]> => {
    const reply = await probe.find({ folders: [folder], onlyGiven: true });
    // A path to the interpreter, or to anything inside, means the environment around it.
    const exact = reply.environments.filter((e) => e.prefix === folder || folder.startsWith(`${e.prefix}/`));
    return Promise.all((exact.length > 0 ? exact : reply.environments).map((found) => xrayOne(probe, found)));
  };

  const readNow = async (id: string, judge: JudgeFor): Promise<EnvironmentReport> => {
    const before = await find(id);
    const [fresh] = await readFolder(before.found.prefix);
    // Gone or unreadable: what is known stays, with why.
    const one = fresh !== undefined && fresh.found.id === id ? fresh : { ...before, problem: makeProblem('env.not_found', { what: before.found.prefix }) };
    replace(one);
    await refreshUsers();
    publish();
    return report(one, about(judge, await getTables()), judge.for.length === 0 && judge.driver === null);
  };

  return {
    gauge,
    driftGauge,
    matrix() {
      if (last === null && scanning === null) scan();
      return gauge.get() ?? makeMatrix();
    },
    scan: () => scan().job,
    async get(id) {
      const one = await find(id);
      await refreshUsers();
      return report(one, about(own, await getTables()), true);
    },
    async judge(input) {
      const judged = about(input, await getTables());
      const ofThisMachine = input.for.length === 0 && input.driver === null;
      if (input.env !== null) {
        const folder = resolve(input.env);
        const read = await readFolder(folder);
        if (read.length === 0) throw problemError('env.not_found', { what: folder });
        // What was named may be asked about next by its id.
        for (const one of read) {
          named.add(one.found.id);
          replace(one);
        }
        await refreshUsers();
        publish();
        return { ...judged, reports: read.map((one) => report(one, judged, ofThisMachine)), problems: [] };
      }
      await scanned(ofThisMachine ? 0 : FRESH_MS);
      return { ...judged, reports: known.map((one) => report(one, judged, ofThisMachine)), problems: [...(last?.problems ?? [])] };
    },
    async judgeImage(input) {
      const judged = about(input, await getTables());
      if (judged.targets.length === 0) throw problemError('gpu.none_to_judge');
      const { cells, notes } = judgeImage(input.image, judged.targets, judged.driver, judged.tables);
      return { image: input.image, targets: judged.targets, driver: judged.driver, cells: [...cells], notes: [...notes] };
    },
    async advise(input) {
      const judged = about(input, await getTables());
      if (input.id === null) return options.advise(null, judged.targets, judged.driver, judged.tables, null);
      return options.advise(report(await find(input.id), judged, input.for.length === 0), judged.targets, judged.driver, judged.tables, null);
    },
    async forecasts() {
      const judged = about(own, await getTables());
      return judged.targets.flatMap((target) => {
        const forecast = decideForecast(target, null, machine.platform, judged.tables);
        return forecast === null ? [] : [{ gpuKey: target.key, forecast }];
      });
    },
    async prove(input) {
      const before = await readNow(input.id, own);
      const judged = about(own, await getTables());
      const targets = judged.targets.filter((t) => input.gpus === null || input.gpus.includes(t.key));
      return jobs.start({ kind: 'prove', title: before.environment.name }, async (context) => {
        const proofs = await options.prove(before, targets, judged.driver.version, input.steps, context);
        publish();
        return { proved: proofs.filter((p) => p.works).length, failed: proofs.filter((p) => !p.works).length, disagrees: proofs.filter((p) => !p.agrees).length };
      });
    },
    proofs: (id) => options.proofs.list(id),
    async addFolder(path) {
      const folder = resolve(path);
      const folders = [...new Set([...options.folders(), folder])];
      await options.setFolders(folders);
      scan();
      return folders;
    },
    async removeFolder(path) {
      const folders = options.folders().filter((f) => f !== resolve(path));
      await options.setFolders(folders);
      scan();
      return folders;
    },
    drift: () => options.drift.list(),
    seeDrift: (id) => { options.drift.see(id); },
    kinds: () => [...environmentKind.options],
    readNow,
    async adviseOn(one, judge, indexReachable) {
      const judged = about(judge, await getTables());
      return options.advise(one, judged.targets, judged.driver, judged.tables, indexReachable);
    },
    reports: () => current,
    async reread(ids) {
      for (const id of ids) {
        const before = known.find((k) => k.found.id === id);
        if (before === undefined) continue;
        const [fresh] = await readFolder(before.found.prefix);
        if (fresh !== undefined && fresh.found.id === id) replace(fresh);
      }
      publish();
      options.drift.look(current);
      log.debug('environments read again', { count: ids.length });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    rejudge() {
      if (known.length > 0 || last !== null) publish();
    },
  };
}
