import type { FindReply, FindRequest } from '../../contract/environment-probe.ts';
import type { EnvironmentXray, FoundEnvironment } from '../../contract/environments.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../contract/problem.ts';
import type { DriverFacts, EnvironmentReport, GpuTarget, Proof } from '../../contract/verdict.ts';
import { mapAtMost } from './map-at-most.ts';
import type { Tables } from './tables/read-tables.ts';
import { judgeEnvironment } from './verdict/judge-environment.ts';

/** One environment as it was read: facts only. Verdicts are made from it whenever they are asked for. */
export interface KnownEnvironment {
  readonly found: FoundEnvironment;
  readonly xray: EnvironmentXray | null;
  readonly problem: Problem | null;
}

/** The part that reads: the probe worker behind an interface. */
export interface Probe {
  find(request: Partial<FindRequest>, signal?: AbortSignal): Promise<FindReply>;
  xray(environment: FoundEnvironment): Promise<EnvironmentXray>;
}
export type Users = EnvironmentReport['usedBy'];

export interface ScannerOptions {
  readonly probe: Probe;
  readonly folders: () => readonly string[];
  /** Interpreters of running processes. */
  readonly interpreters: () => Promise<readonly string[]>;
}

/** X-rays under way at once: two keep a small machine's disk and cores busy, more only wait for each other. */
const XRAYS_AT_ONCE = 4;

export interface Scan {
  readonly environments: readonly KnownEnvironment[];
  readonly problems: readonly Problem[];
  readonly tookMs: number;
  readonly atMs: number;
}

/** Finds and reads. `tell` hears after every environment. */
export async function scanEnvironments(options: ScannerOptions, tell: (found: number, read: readonly KnownEnvironment[]) => void, signal?: AbortSignal): Promise<Scan> {
  const startedAt = performance.now();
  const reply = await options.probe.find({ folders: [...options.folders()], interpreters: [...(await options.interpreters())] }, signal);
  const read: KnownEnvironment[] = [];
  tell(reply.environments.length, read);
  const environments = await mapAtMost(reply.environments, XRAYS_AT_ONCE, async (found) => {
    signal?.throwIfAborted();
    const known = await xrayOne(options.probe, found);
    read.push(known);
    tell(reply.environments.length, read);
    return known;
  });
  return { environments, problems: reply.problems, tookMs: performance.now() - startedAt, atMs: Date.now() };
}

export async function xrayOne(probe: Probe, found: FoundEnvironment): Promise<KnownEnvironment> {
  try {
    return { found, xray: await probe.xray(found), problem: null };
  } catch (error) {
    return { found, xray: null, problem: problemOf(error) ?? makeProblem('env.probe_failed', { prefix: found.prefix, detail: error instanceof Error ? error.message : String(error) }) };
  }
}

/** What is read, with verdicts for these GPUs and this driver. Pure. */
export function reportEnvironment(known: KnownEnvironment, about: { readonly targets: readonly GpuTarget[]; readonly driver: DriverFacts; readonly tables: Tables; readonly proofs: readonly Proof[]; readonly users: Users }): EnvironmentReport {
  const { found, xray, problem } = known;
  const judged = judgeEnvironment({ found, xray, targets: [...about.targets], driver: about.driver, tables: about.tables });
  return { environment: found, xray, companions: [...judged.companions], cells: [...judged.cells], worst: judged.worst, proofs: [...about.proofs], usedBy: [...about.users], findings: [...found.problems, ...(problem === null ? [] : [problem]), ...judged.findings] };
}
