import { z } from 'zod';
import { benchmarkPlace } from './benchmarks.ts';
import { problem } from './problem.ts';
import { someEngineSettings } from './inference.ts';

export const toggleGroup = z.enum(['precision', 'attention', 'compiler', 'layout', 'memory', 'optimizer', 'generation', 'cpu', 'llama', 'device']);
export type ToggleGroup = z.infer<typeof toggleGroup>;

/** `code`: a line in the program; `variable`: an environment variable; `engine`: a setting of our llama.cpp engine; `device`: a setting of the GPU. */
export const toggleMeans = z.enum(['code', 'variable', 'engine', 'device']);
export type ToggleMeans = z.infer<typeof toggleMeans>;

/** What is often said of a switch, and what is true. */
export const toggleClaim = z.object({ said: z.string(), truth: z.string(), source: z.string() });

export const toggle = z.object({
  id: z.string().max(60),
  group: toggleGroup,
  title: z.string(),
  /** One sentence: what it does. */
  what: z.string(),
  /** Since which version of torch or llama.cpp. */
  since: z.string().nullable(),
  /** In words: `compute capability 8.0`, `triton`. */
  needs: z.array(z.string()),
  risk: z.enum(['none', 'accuracy', 'memory', 'stability', 'hardware']),
  /** `no`, `rounding` (other digits), `yes` (other results). */
  changesResults: z.enum(['no', 'rounding', 'yes']),
  means: toggleMeans,
  /** What it can be set to besides its default; each is measured for itself. */
  values: z.array(z.object({ id: z.string().max(60), title: z.string() })).min(1),
  /** How it is applied and undone, in a sentence each. */
  applied: z.string(),
  undone: z.string(),
  claim: toggleClaim.nullable(),
  /** Not offered for applying, with the reason; it may still be measured. */
  notOffered: z.string().nullable(),
  /** Names of workloads with which it can be measured, the most telling first. Empty: it cannot. */
  workloads: z.array(z.string()),
});
export type Toggle = z.infer<typeof toggle>;

export const workload = z.object({ name: z.string(), title: z.string(), what: z.string(), unit: z.string(), higherIsBetter: z.boolean(), engine: z.enum(['torch', 'llama', 'command']) });
export type Workload = z.infer<typeof workload>;

/** The user's own program: run once for each figure. */
export const commandWorkload = z.object({
  command: z.array(z.string().max(4096)).min(1).max(64),
  /** Its first group is the figure. */
  pattern: z.string().min(1).max(500),
  higherIsBetter: z.boolean(),
  unit: z.string().max(20).default(''),
  folder: z.string().max(4096).nullable().default(null),
  /** For one run, s. */
  timeoutSeconds: z.number().min(1).max(3600).default(300),
});
export type CommandWorkload = z.infer<typeof commandWorkload>;
/** What a workload of one's own is called. Pure. */
export const titleOfCommand = ({ command }: Pick<CommandWorkload, 'command'>): string => command.join(' ').slice(0, 120);

/** What a pattern makes of a text, by the rules of a measurement. */
export const patternCheck = z.object({
  /** Why it cannot be used; null: it can. */
  fault: z.string().nullable(),
  /** What its first group took at its last match; null: nothing fits. */
  found: z.string().nullable(),
  /** The same as a number above 0; null: it is none. */
  figure: z.number().nullable(),
});
export type PatternCheck = z.infer<typeof patternCheck>;

/** A toggle with the value it is set to. */
export const chosenToggle = z.object({ toggleId: z.string().max(60), value: z.string().max(60) });
export type ChosenToggle = z.infer<typeof chosenToggle>;

export const effectVerdict = z.enum(['helps', 'hurts', 'no_effect', 'cannot_resolve', 'could_not_run']);
export type EffectVerdict = z.infer<typeof effectVerdict>;

/** What both arms of a measurement are compared by besides speed: most memory taken, bytes; energy of one repetition of the workload, J; error against FP64, relative. */
export const armFacts = z.object({ memoryBytes: z.number().nullable(), joulesPerUnit: z.number().nullable(), error: z.number().nullable() });

export const effectPair = z.object({ a: z.number(), b: z.number(), atMs: z.number(), kept: z.boolean(), why: z.string().nullable() });
export type EffectPair = z.infer<typeof effectPair>;

/** What an effect was measured with; it is stale when one of these changes. */
export const effectIdentity = z.object({ gpu: z.string().nullable(), driver: z.string().nullable(), torch: z.string().nullable(), engine: z.string().nullable() });
export type EffectIdentity = z.infer<typeof effectIdentity>;

/** One switch (or a set of them) measured on one workload, off (a) against on (b). */
export const effectCard = z.object({
  id: z.string(),
  toggles: z.array(chosenToggle).min(1),
  profileId: z.string().nullable(),
  workload: workload.pick({ name: true, title: true, unit: true, higherIsBetter: true, engine: true }),
  /** Where the workload is a program of the user's own: how it is run, to be measured again. */
  program: commandWorkload.nullable().default(null),
  place: benchmarkPlace,
  environmentId: z.string().nullable(),
  environmentName: z.string().nullable(),
  atMs: z.number(),
  /** Null: it is being measured. */
  verdict: effectVerdict.nullable(),
  /** In words, with the figure: `helps: 1.73× faster`. */
  sentence: z.string(),
  /** Speed with ÷ speed without; over 1 is faster. 95 % interval. */
  ratio: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  pairs: z.array(effectPair),
  setAside: z.int(),
  /** Of successive log ratios at distance 1, and the pairs that the interval counts with because of it. */
  autocorrelation: z.number().nullable(),
  effectivePairs: z.number().nullable(),
  /** Smallest change that such a measurement shows in nine of ten cases, %. */
  resolvesPercent: z.number().nullable(),
  a: armFacts,
  b: armFacts,
  identity: effectIdentity,
  /** What has changed since; null: it still holds. */
  stale: z.string().nullable(),
  notes: z.array(z.string()),
  problem: problem.nullable(),
});
export type EffectCard = z.infer<typeof effectCard>;

/** What tells the measurements of a switch apart besides its value: the workload, and of own programs, which share a name, all that is run and read. Pure. */
export function keyOfWorkload({ workload: { name, engine, title }, program }: Pick<EffectCard, 'workload' | 'program'>): string {
  if (engine !== 'command') return name;
  return `${name} ${program === null ? title : JSON.stringify([program.command, program.pattern, program.unit, program.higherIsBetter, program.folder])}`;
}

/** A toggle in an environment (or, for `llama` and `device`, on a place) with its newest effects there. */
export const toggleState = z.object({
  toggle,
  /** `default`: nobody set it; `set`: Warpdeck applied it; `other`: somebody else did; `unavailable`: not in this build or on this GPU. */
  state: z.enum(['default', 'set', 'other', 'unavailable', 'unknown']),
  value: z.string().nullable(),
  why: z.string().nullable(),
  /** The newest card for each workload; without their pairs. */
  effects: z.array(effectCard),
});
export type ToggleState = z.infer<typeof toggleState>;

export const optimizeSubject = z.object({
  /** Null: the best environment of this machine. */
  environmentId: z.string().max(4096).nullable().default(null),
  /** `cpu` or a GPU's UUID; null: the first GPU, else the processor. */
  place: z.string().max(128).nullable().default(null),
});

/** What guides ask for and is no switch: why, and what to do instead. */
export const switchRefusal = z.object({ id: z.string(), asked: z.string(), reason: z.string(), instead: z.string().nullable() });
export type SwitchRefusal = z.infer<typeof switchRefusal>;

export const optimizeOverview = z.object({
  environment: z.object({ id: z.string(), name: z.string(), torch: z.string().nullable(), python: z.string().nullable(), prefix: z.string() }).nullable(),
  place: benchmarkPlace,
  states: z.array(toggleState),
  refusals: z.array(switchRefusal),
  problems: z.array(problem),
});
export type OptimizeOverview = z.infer<typeof optimizeOverview>;

export const measureWish = optimizeSubject.extend({
  toggles: z.array(chosenToggle).min(1).max(20),
  profileId: z.string().max(60).nullable().default(null),
  /** Null: the first that the toggle names. */
  workload: z.union([z.string().max(60), commandWorkload]).nullable().default(null),
  /** For llama.cpp: which model; null: the default one. */
  modelId: z.string().max(4096).nullable().default(null),
  budgetSeconds: z.number().min(5).max(7200).default(180),
});
export type MeasureWish = z.infer<typeof measureWish>;

export const profile = z.object({
  id: z.string().max(60),
  title: z.string(),
  what: z.string(),
  builtIn: z.boolean(),
  toggles: z.array(chosenToggle),
  /** Measured as a set: effects do not multiply. Newest per environment. */
  effects: z.array(effectCard),
});
export type Profile = z.infer<typeof profile>;

/** `snippet` writes nothing. */
export const applyMeans = z.enum(['snippet', 'hook', 'conda', 'jupyter']);
export type ApplyMeans = z.infer<typeof applyMeans>;

export const applyPlan = z.object({
  planId: z.string(),
  means: applyMeans,
  environmentId: z.string(),
  toggles: z.array(chosenToggle),
  /** Lines for the user's own program, and variables for its start. */
  snippet: z.string(),
  variables: z.record(z.string(), z.string()),
  files: z.array(z.object({ path: z.string(), text: z.string(), exists: z.boolean() })),
  commands: z.array(z.array(z.string())),
  /** Results change: needs the user's word. */
  agree: z.array(z.string()),
  notes: z.array(z.string()),
});
export type ApplyPlan = z.infer<typeof applyPlan>;

export const application = z.object({
  id: z.string(),
  environmentId: z.string(),
  environmentName: z.string(),
  means: applyMeans,
  toggles: z.array(chosenToggle),
  appliedAtMs: z.number(),
  /** `edited`: a file is not as it was written, and is not touched; `gone`: the environment was made anew. */
  state: z.enum(['in_force', 'edited', 'gone', 'reverted']),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
  killSwitch: z.string(),
});
export type Application = z.infer<typeof application>;

/** What a launched program gets: variables, and toggles that its start applies inside it. */
export const launchPlan = z.object({ variables: z.record(z.string(), z.string()), toggles: z.array(chosenToggle), dropped: z.array(z.object({ toggleId: z.string(), why: z.string() })), notes: z.array(z.string()) });
export type LaunchPlan = z.infer<typeof launchPlan>;

/** A setting of the GPU itself. */
export const deviceSetting = z.object({
  id: z.enum(['persistence_mode', 'power_limit', 'sm_clock_lock']),
  title: z.string(),
  value: z.number().nullable(),
  unit: z.string(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  defaultValue: z.number().nullable(),
  canChange: z.boolean(),
  whyNot: z.string().nullable(),
});
export type DeviceSetting = z.infer<typeof deviceSetting>;
export const devicePlan = z.object({ planId: z.string(), uuid: z.string(), setting: deviceSetting.shape.id, from: z.number().nullable(), to: z.number(), command: z.array(z.string()), revertSeconds: z.int(), notes: z.array(z.string()) });
export type DevicePlan = z.infer<typeof devicePlan>;
/** Until it is confirmed it is put back at `revertsAtMs`, also by the next engine when this one dies. */
export const deviceChange = z.object({ id: z.string(), uuid: z.string(), setting: deviceSetting.shape.id, from: z.number().nullable(), to: z.number(), atMs: z.number(), state: z.enum(['trial', 'confirmed', 'reverted', 'failed']), revertsAtMs: z.number().nullable(), problem: problem.nullable() });
export type DeviceChange = z.infer<typeof deviceChange>;

export const componentHealth = z.object({
  id: z.enum(['driver', 'torch', 'cuda', 'cudnn', 'attention', 'compile', 'llama']),
  title: z.string(),
  state: z.enum(['works', 'fails', 'unproved', 'absent']),
  detail: z.string(),
  provedAtMs: z.number().nullable(),
  problem: problem.nullable(),
});
export type ComponentHealth = z.infer<typeof componentHealth>;

/** One possible cause of slowness with the number that speaks for it. */
export const slowCause = z.object({
  id: z.enum(['cpu_fallback', 'throttling', 'power_cap', 'link', 'data_loading', 'other_process', 'spill', 'precision', 'small_batch', 'idle']),
  title: z.string(),
  /** 0 to 1: how much of the time or speed it can explain. */
  weight: z.number().min(0).max(1),
  number: z.string(),
  remedy: z.string(),
});
export const slowReport = z.object({ atMs: z.number(), place: benchmarkPlace, seconds: z.number(), causes: z.array(slowCause), notes: z.array(z.string()) });
export type SlowReport = z.infer<typeof slowReport>;

export const tuneWish = z.object({
  modelId: z.string().min(1).max(4096),
  place: z.string().max(128).nullable().default(null),
  budgetSeconds: z.number().min(20).max(14_400).default(600),
  /** What is made fast: writing, reading a prompt, or several requests at once. */
  goal: z.enum(['decode', 'prompt', 'parallel']).default('decode'),
  /** Settings that may change answers (KV types) are tried too. */
  allowAnswerChanging: z.boolean().default(false),
  contextTokens: z.int().min(512).max(1_000_000).nullable().default(null),
  save: z.boolean().default(true),
});
export type TuneWish = z.infer<typeof tuneWish>;

export const tuneCandidate = z.object({ settings: someEngineSettings, words: z.string(), changesAnswers: z.boolean(), value: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable(), runs: z.int(), rung: z.int(), state: z.enum(['waiting', 'out', 'no_memory', 'failed', 'finalist', 'winner']), why: z.string().nullable() });
export const tuneResult = z.object({
  id: z.string(),
  modelId: z.string(),
  modelName: z.string(),
  place: benchmarkPlace,
  goal: tuneWish.shape.goal,
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  candidates: z.array(tuneCandidate),
  /** Measured side by side at the end, tokens/s. */
  before: z.number().nullable(),
  after: z.number().nullable(),
  ratio: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  saved: z.boolean(),
  sentence: z.string(),
  notes: z.array(z.string()),
  problem: problem.nullable(),
});
export type TuneResult = z.infer<typeof tuneResult>;
