import { z } from 'zod';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { ChosenToggle } from '../../../contract/optimize.ts';
import type { RunScript } from '../../environments/python/run-script.ts';
import type { Arm, ArmWish, StartArm } from '../parts.ts';
import { decideArmProblem, type ArmSubject } from './decide-arm-problem.ts';
import { parseTorchWorkload } from './parse-workload.ts';

export interface TorchArmOptions {
  readonly runScript: RunScript;
  /** A place's name for people; null: it is not known. */
  readonly placeName: (key: string) => string | null;
  /** What a toggle of the catalogue is called in resources/python/_workload_toggles.py; null: it does not act inside the process (a variable). */
  readonly codeToggle: (toggle: ChosenToggle) => ChosenToggle | null;
  /** Another GPU for copies between two; null: there is none. */
  readonly peerOf: (place: string) => string | null;
  /** Tests shorten these. */
  readonly limits?: Partial<TorchArmLimits>;
}

/** All in ms. */
export interface TorchArmLimits {
  /** Until the first word. */
  readonly startMs: number;
  /** Import of torch from a slow disk; starting CUDA with eight GPUs; making the data. */
  readonly prepareMs: number;
  /** torch.compile with max-autotune. */
  readonly compileMs: number;
  /** Without a word while something was asked; a step of training on a slow processor is one. */
  readonly answerMs: number;
  readonly totalMs: number;
  /** From the word to end until it is ended. */
  readonly endMs: number;
}
export const torchArmLimits: TorchArmLimits = { startMs: 60_000, prepareMs: 180_000, compileMs: 1_200_000, answerMs: 300_000, totalMs: 6 * 3_600_000, endMs: 3000 };

const SCRIPT = 'measure_arm.py';
const factValue = z.union([z.string().max(1000), z.number(), z.boolean(), z.null()]);
const said = z.union([z.object({ ready: z.record(z.string().max(60), factValue) }), z.object({ id: z.int(), answer: z.unknown() })]);
const sampleAnswer = z.object({ value: z.number().positive(), startedAtMs: z.number(), endedAtMs: z.number(), memoryBytes: z.number().nonnegative().nullable(), repetitions: z.int().positive(), ran: z.int().positive().optional(), joules: z.number().nonnegative().nullable() });
const errorAnswer = z.object({ error: z.number().nonnegative().nullable(), trouble: z.string().nullable() });

interface Waiting {
  readonly id: number;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * A process of the environment's own Python that measures one workload, with PyTorch or with NumPy, until it is told to end. It is ended with its
 * whole group when the signal is aborted, when it does not answer, and when it fails.
 * @throws ProblemError `bench.no_torch`, `bench.no_place`, `bench.case_fails`, `bench.torch_fails`, `bench.numpy_fails`, `bench.hangs`,
 *   `bench.no_memory`, `toggle.unavailable`, `toggle.workload`, `python.garbage`, `program.not_found`; on abort the signal's reason
 */
export async function startTorchArm(wish: ArmWish, signal: AbortSignal, log: (text: string) => void, options: TorchArmOptions): Promise<Arm> {
  const limits = { ...torchArmLimits, ...options.limits };
  const { subject, python, spec } = makeSpec(wish, options);
  const stop = new AbortController();
  const ready = Promise.withResolvers<Arm['facts']>();
  let write: (text: string) => void = () => undefined;
  let waiting: Waiting | null = null;
  let failure: { readonly reason: unknown } | null = null;
  let ending = false;
  let timer: NodeJS.Timeout | undefined;

  const fail = (reason: unknown): void => {
    failure ??= { reason };
    clearTimeout(timer);
    ready.reject(failure.reason);
    waiting?.reject(failure.reason);
    waiting = null;
  };
  const misfit = (what: string): void => {
    fail(problemError('python.garbage', { program: `${python} ${SCRIPT}`, detail: what }));
    stop.abort();
  };
  const wind = (): void => {
    clearTimeout(timer);
    if (waiting === null) return;
    timer = setTimeout(() => {
      fail(problemError('bench.hangs', { what: subject.what, seconds: limits.answerMs / 1000 }));
      stop.abort();
    }, limits.answerMs);
  };
  const prepare: Readonly<Record<string, number>> = { import: limits.prepareMs, context: limits.prepareMs, make: limits.prepareMs, compile: limits.compileMs };

  const running = options.runScript({
    python, script: SCRIPT, args: ['--spec', JSON.stringify(spec)], env: wish.variables, signal: AbortSignal.any([signal, stop.signal]),
    startTimeoutMs: limits.startMs, idleTimeoutMs: (doing) => prepare[doing ?? 'import'] ?? limits.totalMs, totalTimeoutMs: limits.totalMs,
    onInput: (to) => { write = to; }, onLog: log, onProgress: wind,
    onItem: (data) => {
      const item = said.safeParse(data);
      if (!item.success) return misfit('a message that does not fit.');
      if ('ready' in item.data) return ready.resolve(item.data.ready);
      if (waiting === null || item.data.id !== waiting.id) return misfit('an answer that was not asked for.');
      const { resolve } = waiting;
      waiting = null;
      clearTimeout(timer);
      resolve(item.data.answer);
    },
  });
  const done = running.then(
    () => { fail(problemError('bench.case_fails', { what: subject.what, detail: ending ? 'it has been ended.' : 'it ended by itself.', remedy: 'Start it again.' })); },
    (reason: unknown) => { fail(signal.aborted ? signal.reason : translate(reason, subject)); },
  );

  let turn: Promise<unknown> = Promise.resolve();
  let count = 0;
  /** One after the other: there is one process, and it does one thing. */
  const ask = <T>(op: string, schema: z.ZodType<T>, more: Readonly<Record<string, number>> = {}): Promise<T> => {
    const answer = turn.then(async () => {
      if (failure !== null) throw failure.reason;
      const id = ++count;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      waiting = { id, resolve, reject };
      wind();
      write(`${JSON.stringify({ id, op, ...more })}\n`);
      const parsed = schema.safeParse(await promise);
      if (parsed.success) return parsed.data;
      misfit(`an answer to ${op} that does not fit.`);
      throw (failure as { readonly reason: unknown } | null)?.reason;
    });
    turn = answer.catch(() => undefined);
    return answer;
  };

  const facts = await ready.promise.catch(async (reason: unknown) => {
    // Whoever is told that it failed may start the next one: nothing of this one is left.
    await done;
    throw reason;
  });
  return {
    facts,
    async warmUp(seconds) { await ask('warm_up', z.object({}), { seconds: Math.min(Math.max(seconds, 0), 3600) }); },
    sample: () => ask('sample', sampleAnswer),
    async error() {
      const { error, trouble } = await ask('error', errorAnswer);
      if (trouble !== null) throw problemError('bench.case_fails', { what: subject.what, detail: `its answer could not be compared with FP64: ${trouble}`, remedy: 'Its speed stands; its exactness is not known.' });
      return error;
    },
    async end() {
      ending = true;
      // What is under way is not waited for.
      const late = setTimeout(() => { stop.abort(); }, waiting === null ? limits.endMs : 0);
      write(`${JSON.stringify({ id: 0, op: 'end' })}\n`);
      await done;
      clearTimeout(late);
    },
  };
}

function translate(reason: unknown, subject: ArmSubject): unknown {
  const problem = problemOf(reason);
  const decided = problem === null ? null : decideArmProblem(problem, subject);
  return decided === null ? reason : problemError(decided.code, decided.facts, { chain: decided.chain, cause: reason });
}

interface Prepared {
  readonly subject: ArmSubject;
  readonly python: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

function makeSpec(wish: ArmWish, options: TorchArmOptions): Prepared {
  const what = typeof wish.workload === 'string' ? wish.workload : wish.workload.command.join(' ');
  const place = options.placeName(wish.place) ?? (wish.place === 'cpu' ? 'the processor' : wish.place);
  const python = wish.environment?.python?.path ?? null;
  if (wish.environment === null || python === null) throw problemError('bench.no_torch', { detail: `${what} is measured with PyTorch, and no environment with a Python was chosen.` });
  const parsed = parseTorchWorkload(what);
  if (!parsed.ok) throw problemError('bench.case_fails', { what, detail: parsed.detail, remedy: '"warpdeck bench ls" lists what can be measured.' });
  const { name, parameters, unit, runs } = parsed.value;
  const noPlace = (detail: string): Error => problemError('bench.no_place', { what, place, detail });
  if (runs === 'gpu' && wish.place === 'cpu') throw noPlace('it measures a GPU.');
  if (runs !== 'cpu' && wish.place !== 'cpu' && !/^(GPU|MIG)-[\w/-]{1,120}$/.test(wish.place)) throw noPlace('it is not the UUID of a GPU.');
  const peer = name !== 'peer_copy' ? null : parameters['to'] === '' ? options.peerOf(wish.place) : String(parameters['to']);
  if (name === 'peer_copy' && (peer === null || peer === wish.place)) throw noPlace('it needs a second GPU.');
  const toggles = wish.toggles.flatMap((toggle) => {
    const code = options.codeToggle(toggle);
    return code === null ? [] : [[code.toggleId, code.value]];
  });
  return {
    subject: { what, place, environment: wish.environment.prefix, library: wish.environment.numpy === undefined ? 'PyTorch' : 'NumPy' },
    python,
    spec: { workload: name, parameters, unit, place: wish.place, peer, alternating: wish.alternating === true, toggles, variables: Object.keys(wish.variables), library: wish.environment.numpy === undefined ? 'torch' : 'numpy', packages: wish.environment.numpy?.packages ?? null },
  };
}

/** `startTorchArm` with its surroundings. */
export const createTorchArms = (options: TorchArmOptions): StartArm => (wish, signal, log) => startTorchArm(wish, signal, log, options);
