/** NumPy for the processor where no PyTorch is: of an environment that was found, else of a folder of our own. */
import { lstat, rm } from 'node:fs/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf } from '../../../contract/problem.ts';
import type { JobContext } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Arm, ArmEnvironment, StartArm } from '../parts.ts';
import type { NumpyMeans, NumpySubject } from '../runner/benchmark-parts.ts';
import { threadVariables } from '../runner/thread-variables.ts';
import { untilAborted } from '../runner/until-aborted.ts';
import { listNumpyCandidates, listPythonCandidates, type PythonCandidate, type ReportOfPackages } from './list-candidates.ts';
import { formatMegabytes, makeOwnNumpy, ownFolder, type OwnNumpyOptions } from './make-own-numpy.ts';
import { decidePinned, nameVersions, type PinnedChoice, type PinnedRelease, type ThisSystem } from './measuring-packages.ts';

export interface MeasuringEnvironmentOptions extends OwnNumpyOptions {
  /** From `readMeasuringPackages`. */
  releases(): Promise<readonly PinnedRelease[]>;
  readonly system: ThisSystem;
  /** As last judged; waits for a search that is under way, or begins the first one. */
  reports(): Promise<readonly ReportOfPackages[]>;
  readonly startArm: StartArm;
  /** Threads that NumPy is given: physical cores, as many as this process may use. */
  readonly threads: number;
  readonly log: Logger;
}
type Job = Pick<JobContext, 'signal' | 'progress' | 'log'>;
interface Own extends PythonCandidate { readonly pinned: PinnedChoice; readonly packages: string; readonly made: boolean }

/** Small: it shows that NumPy starts, and with which BLAS. */
const TRIAL = 'matmul:dtype=fp32,n=64';
const text = (value: Arm['facts'][string] | undefined): string | null => (typeof value === 'string' ? value : null);

export function createMeasuringEnvironment(options: MeasuringEnvironmentOptions): NumpyMeans {
  const { system, folder, startArm, threads, log } = options;

  const tryIt = async (environment: ArmEnvironment, { signal, log: tell }: Pick<Job, 'signal' | 'log'>): Promise<Arm['facts']> => {
    const own = new AbortController();
    try {
      const arm = await untilAborted(startArm({ workload: TRIAL, place: 'cpu', environment, model: null, toggles: [], variables: threadVariables(null, threads, threads) }, AbortSignal.any([signal, own.signal]), tell), signal);
      await untilAborted(arm.end(), signal);
      return arm.facts;
    } finally {
      own.abort(new Error('The trial is over.'));
    }
  };

  /** Interpreters that a NumPy is pinned for; those that have theirs already first. */
  const listOwn = async (reports: readonly ReportOfPackages[]): Promise<readonly Own[]> => {
    const releases = await options.releases();
    const candidates = listPythonCandidates(reports, (abi) => decidePinned(releases, abi, system) !== null);
    const own = await Promise.all(candidates.map(async (one): Promise<Own[]> => {
      const pinned = decidePinned(releases, one.abi, system);
      if (pinned === null) return [];
      const packages = ownFolder(folder, one.abi, pinned);
      return [{ ...one, pinned, packages, made: await lstat(packages).then((found) => found.isDirectory(), () => false) }];
    }));
    return own.flat().sort((a, b) => Number(b.made) - Number(a.made));
  };
  const noPython = async (reports: readonly ReportOfPackages[]): Promise<ProblemError> => {
    const versions = [...new Set(reports.flatMap(({ environment }) => environment.python.version ?? []))].slice(0, 6);
    const found = versions.length === 0 ? 'No Python was found on this machine.' : `Of the Pythons of this machine (${versions.join(', ')}) none is one that a NumPy is known for on this system.`;
    return problemError('bench.no_python', { detail: `${found} Without PyTorch the processor is measured with NumPy, which needs one.`, versions: nameVersions(await options.releases()) });
  };

  const find = async (job: Job): Promise<{ readonly environment: ArmEnvironment; readonly name: string; readonly facts: Arm['facts'] }> => {
    job.progress({ fraction: null, doing: 'Looking for NumPy' });
    const reports = await untilAborted(options.reports(), job.signal);
    for (const { environment, name, version } of listNumpyCandidates(reports)) {
      try {
        const facts = await tryIt(environment, job);
        return { environment, name: `${name}, NumPy ${text(facts['numpy']) ?? version}`, facts };
      } catch (error) {
        job.signal.throwIfAborted();
        log.info('A NumPy that was found does not start', { environment: environment.prefix, detail: problemOf(error)?.cause ?? String(error) });
      }
    }
    let failed: ProblemError | null = null;
    for (const { environment, pinned, packages, made, ...python } of await listOwn(reports)) {
      const own = { ...environment, numpy: { packages } };
      const name = `NumPy ${pinned.version} of Warpdeck's own`;
      try {
        if (made) {
          // What somebody has damaged is made anew.
          const facts = await tryIt(own, job).catch(async (error: unknown) => {
            job.signal.throwIfAborted();
            log.warn('The NumPy for measuring does not start and is made anew', { path: packages, detail: problemOf(error)?.cause ?? String(error) });
            await rm(packages, { recursive: true, force: true });
            return null;
          });
          if (facts !== null) return { environment: own, name, facts };
        }
        let facts: Arm['facts'] = {};
        await makeOwnNumpy({ environment, ...python }, pinned, options, job, async (making) => { facts = await tryIt({ ...environment, numpy: { packages: making } }, job); });
        return { environment: own, name, facts };
      } catch (error) {
        job.signal.throwIfAborted();
        // Another interpreter would meet the same network and the same disk.
        if (!(error instanceof ProblemError) || error.problem.code === 'bench.numpy_fetch') throw error;
        failed = error;
      }
    }
    throw failed ?? (await noPython(reports));
  };

  return {
    async prepare(job): Promise<NumpySubject> {
      const { environment, name, facts } = await find(job);
      const count = typeof facts['threads'] === 'number' ? facts['threads'] : threads;
      const blas = [text(facts['blas']) ?? 'its own BLAS', text(facts['blasKernel']), `${String(count)} thread${count === 1 ? '' : 's'}`].filter((one) => one !== null).join(', ');
      return {
        arm: environment, threads,
        told: { id: environment.numpy?.packages ?? environment.id, name, torch: null, cuda: null, python: text(facts['python']) ?? environment.python.version },
        notes: [
          `Measured on the processor, with NumPy ${text(facts['numpy']) ?? 'of unknown version'} (${blas}), because no environment with PyTorch was found.`,
          'To measure with PyTorch, install it into an environment (pytorch.org/get-started says how) and run this again.',
        ],
      };
    },
    async look() {
      const reports = await options.reports();
      const [found] = listNumpyCandidates(reports);
      if (found !== undefined) return { with: `NumPy ${found.version} of ${found.name}, as there is no PyTorch`, why: null };
      const [own] = await listOwn(reports);
      if (own === undefined) return { with: null, why: (await noPython(reports)).problem.cause };
      const { version, wheel } = own.pinned;
      return { with: own.made ? `NumPy ${version} of Warpdeck's own, as there is no PyTorch` : `NumPy ${version}, which is fetched once (${formatMegabytes(wheel.bytes)}), as there is no PyTorch`, why: null };
    },
  };
}
