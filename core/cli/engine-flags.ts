import { cacheType, engineSettings, type EngineSettings, type Sampling } from '../../contract/inference.ts';
import type { FlagSpec, Flags } from './command.ts';
import { numberFlag, usageError } from './parse-command-line.ts';

type Partly<T> = { -readonly [K in keyof T]?: T[K] };

/** How a model is loaded, with llama.cpp's names. */
export const engineFlags: readonly FlagSpec[] = [
  { name: 'backend', value: 'KIND', choices: ['auto', 'cuda', 'vulkan', 'cpu'], summary: 'auto, cuda, vulkan or cpu; by name means this one or a problem (auto)' },
  { name: 'device', value: 'UUID', repeats: true, summary: 'a GPU by its UUID or number; may be repeated' },
  { name: 'gpu-layers', alias: '-ngl', value: 'N', summary: 'layers on the GPU (all that fit)' },
  { name: 'ctx-size', alias: '-c', value: 'N', summary: 'tokens of context (what fits, at most 8192)' },
  { name: 'batch-size', alias: '-b', value: 'N', summary: 'prompt tokens that are processed together' },
  { name: 'threads', alias: '-t', value: 'N', summary: 'threads (physical cores less one)' },
  { name: 'flash-attn', alias: '-fa', value: 'on|off|auto', choices: ['on', 'off', 'auto'], summary: 'flash attention (auto)' },
  { name: 'cache-type-k', alias: '-ctk', value: 'TYPE', choices: cacheType.options, summary: 'type of K in the cache (f16)' },
  { name: 'cache-type-v', alias: '-ctv', value: 'TYPE', choices: cacheType.options, summary: 'type of V in the cache (f16)' },
  { name: 'no-mmap', summary: 'read the file into memory instead of mapping it' },
  { name: 'mlock', summary: 'keep it from being swapped out' },
  { name: 'parallel', alias: '-np', value: 'N', summary: 'requests answered at the same time (1)' },
  { name: 'model-draft', alias: '-md', value: 'MODEL', summary: 'a smaller model that guesses ahead' },
];

const whole = (flags: Flags, name: string, min: number, max: number): number | null => numberFlag(flags, name, { min, max, unit: '', whole: true });

/** Only what was typed; the rest is decided by profile and engine. `devices`: number → UUID. */
export function readEngineFlags(flags: Flags, devices: readonly { readonly index: number; readonly uuid: string }[]): Partly<EngineSettings> {
  const settings: Partly<EngineSettings> = {};
  const put = <K extends keyof EngineSettings>(key: K, value: EngineSettings[K] | null): void => { if (value !== null) settings[key] = value; };
  put('backend', engineSettings.shape.backend.parse(flags.text('backend') ?? undefined));
  if (flags.text('backend') === null) delete settings.backend;
  const wanted = flags.all('device');
  if (wanted.length > 0) {
    settings.devices = wanted.map((word) => {
      const found = devices.find((d) => d.uuid === word || String(d.index) === word);
      if (!found) throw usageError(`There is no GPU "${word}"; "warpdeck gpus" lists them.`);
      return found.uuid;
    });
  }
  put('gpuLayers', whole(flags, 'gpu-layers', 0, 10_000));
  put('contextTokens', whole(flags, 'ctx-size', 16, 16_777_216));
  put('batch', whole(flags, 'batch-size', 1, 65_536));
  put('threads', whole(flags, 'threads', 1, 1024));
  const fa = flags.text('flash-attn');
  if (fa !== null) settings.flashAttention = engineSettings.shape.flashAttention.parse(fa);
  for (const [flag, key] of [['cache-type-k', 'cacheTypeK'], ['cache-type-v', 'cacheTypeV']] as const) {
    const type = flags.text(flag);
    if (type !== null) settings[key] = cacheType.parse(type);
  }
  if (flags.on('no-mmap')) settings.mmap = false;
  if (flags.on('mlock')) settings.mlock = true;
  put('parallel', whole(flags, 'parallel', 1, 64));
  put('draftModel', flags.text('model-draft'));
  return settings;
}

export const samplingFlags: readonly FlagSpec[] = [
  { name: 'temp', value: 'N', summary: 'temperature; 0 takes the likeliest token (0.8)' },
  { name: 'top-k', value: 'N', summary: 'only the k likeliest tokens (40)' },
  { name: 'top-p', value: 'N', summary: 'the likeliest tokens up to this probability together (0.95)' },
  { name: 'min-p', value: 'N', summary: 'none below this share of the likeliest (0.05)' },
  { name: 'repeat-penalty', value: 'N', summary: 'against repetition (1: none)' },
  { name: 'seed', value: 'N', summary: 'the same seed gives the same answer' },
];

export function readSamplingFlags(flags: Flags): Partly<Sampling> {
  const sampling: Partly<Sampling> = {};
  const number = (flag: string, key: keyof Sampling, min: number, max: number, isWhole = false): void => {
    const value = numberFlag(flags, flag, { min, max, unit: '', whole: isWhole });
    if (value !== null) sampling[key] = value;
  };
  number('temp', 'temperature', 0, 5);
  number('top-k', 'topK', 0, 1_000_000, true);
  number('top-p', 'topP', 0, 1);
  number('min-p', 'minP', 0, 1);
  number('repeat-penalty', 'repeatPenalty', 0.1, 5);
  number('seed', 'seed', 0, 4_294_967_295, true);
  return sampling;
}
