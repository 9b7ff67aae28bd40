import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../contract/problem.ts';
import type { Command, Flags, FlagSpec } from './command.ts';
import { findNearMatch } from './near-match.ts';

export const globalFlags: readonly FlagSpec[] = [
  { name: 'json', summary: 'one JSON document; streams print one JSON object a line' },
  { name: 'gpus', value: 'SOURCE', summary: 'nvml, smi, replay:FILE, simulate[:N] or none' },
  { name: 'data-dir', value: 'DIR', summary: 'folder of settings, history and recordings' },
  { name: 'quiet', short: 'q', summary: 'no progress on standard error' },
  { name: 'help', short: 'h', summary: 'what a command does, with examples' },
  { name: 'version', short: 'V', summary: 'the version' },
];

export interface CommandLine {
  /** The verb as typed; null when there was none. */
  readonly verb: string | null;
  readonly positionals: readonly string[];
  readonly flags: Flags;
}

export function usageError(detail: string): ProblemError {
  return problemError('usage.unknown', { detail });
}

type Token = { readonly kind: string; readonly index: number; readonly name?: string; readonly rawName?: string; readonly value?: string | boolean | undefined; readonly inlineValue?: boolean | undefined };

/**
 * parseArgs without its own verdicts: only so is "--from -1h" a value, and only so do we name the near match.
 * A switch's explicit value (`--json=no`) arrives as a token with an inline value.
 */
function tokenize(args: readonly string[], specs: readonly FlagSpec[]): readonly Token[] {
  const options: ParseArgsOptionsConfig = {};
  for (const spec of specs) options[spec.name] = { type: spec.value === undefined ? 'boolean' : 'string', ...(spec.short ? { short: spec.short } : {}) };
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function describeUnknown(rawName: string, name: string, specs: readonly FlagSpec[], verb: string | null): string {
  const near = rawName.startsWith('--') ? findNearMatch(name, specs.map((s) => s.name)) : null;
  const where = verb === null ? '' : ` of "${verb}"`;
  return `There is no flag ${rawName}${where}.${near === null ? '' : ` Did you mean --${near}?`}`;
}

function checkFlag(token: Token, spec: FlagSpec): string | boolean {
  const shown = `--${spec.name}`;
  if (spec.value === undefined) {
    if (token.inlineValue) throw usageError(`${shown} takes no value.`);
    return true;
  }
  if (typeof token.value !== 'string') throw usageError(`${shown} needs a value: ${shown} ${spec.value}.`);
  if (spec.choices && !spec.choices.includes(token.value)) {
    throw usageError(`${shown} is one of ${spec.choices.join(', ')}, not "${token.value}".`);
  }
  return token.value;
}

function toFlags(values: ReadonlyMap<string, string | boolean>, lists: ReadonlyMap<string, readonly string[]>): Flags {
  return {
    text(name) {
      const value = values.get(name);
      return typeof value === 'string' ? value : null;
    },
    all: (name) => lists.get(name) ?? [],
    on: (name) => values.get(name) === true,
  };
}

/** The first word that is no flag and no flag's value, with its place among the arguments. */
function findVerb(args: readonly string[]): { readonly verb: string; readonly index: number } | null {
  for (const token of tokenize(args, globalFlags)) {
    if (token.kind === 'positional') return { verb: typeof token.value === 'string' ? token.value : '', index: token.index };
    if (token.kind === 'option-terminator') return null;
    if (token.kind === 'option' && !globalFlags.some((f) => f.name === token.name)) return null;
  }
  return null;
}

/**
 * What was typed, checked against the table of commands. The last of a repeated flag counts, unless the flag says that it repeats.
 * @throws ProblemError `usage.unknown` naming the word, with the near match where there is one
 */
export function parseCommandLine(args: readonly string[], commands: readonly Command[]): CommandLine {
  const found = findVerb(args);
  const command = found === null ? null : (commands.find((c) => c.name === found.verb) ?? null);
  if (found !== null && command === null && found.verb !== 'help') {
    const near = findNearMatch(found.verb, commands.map((c) => c.name));
    throw usageError(`There is no command "${found.verb}".${near === null ? '' : ` Did you mean "${near}"?`}`);
  }
  const specs = [...globalFlags, ...(command?.flags ?? [])];
  const rest = expandAliases(found === null ? args : args.filter((_, i) => i !== found.index), specs);
  const values = new Map<string, string | boolean>();
  const lists = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokenize(rest, specs)) {
    if (token.kind === 'positional') positionals.push(typeof token.value === 'string' ? token.value : '');
    if (token.kind !== 'option') continue;
    const spec = specs.find((s) => s.name === token.name);
    if (!spec) throw usageError(describeUnknown(token.rawName ?? `--${token.name ?? ''}`, token.name ?? '', specs, command?.name ?? null));
    const value = checkFlag(token, spec);
    values.set(spec.name, value);
    if (spec.repeats && typeof value === 'string') lists.set(spec.name, [...(lists.get(spec.name) ?? []), value]);
  }
  const flags = toFlags(values, lists);
  if (command && !flags.on('help')) checkPositionals(command, positionals);
  if (found === null && positionals.length > 0) throw usageError(`"${positionals[0] ?? ''}" stands where a command is expected.`);
  return { verb: found?.verb ?? null, positionals, flags };
}

/** `-ngl 33` is `--gpu-layers 33`; what follows `--` is nobody's flag. */
function expandAliases(args: readonly string[], specs: readonly FlagSpec[]): readonly string[] {
  const end = args.indexOf('--');
  return args.map((arg, i) => {
    const spec = end >= 0 && i > end ? undefined : specs.find((s) => s.alias === arg);
    return spec ? `--${spec.name}` : arg;
  });
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const { min, max } = command.positionals;
  if (positionals.length < min) throw usageError(`"${command.name}" needs more: warpdeck ${command.name} ${command.usage}.`);
  if (positionals.length > max) throw usageError(`"${positionals[max] ?? ''}" is one word too many: warpdeck ${command.name} ${command.usage}.`.replace(' .', '.'));
}

/** A number from a flag, within limits. @throws ProblemError `usage.unknown` */
export function numberFlag(flags: Flags, name: string, limits: { readonly min: number; readonly max: number; readonly unit: string; readonly whole?: boolean }): number | null {
  const text = flags.text(name);
  if (text === null) return null;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < limits.min || value > limits.max || (limits.whole && !Number.isInteger(value))) {
    throw usageError(`--${name} is ${limits.whole ? 'a whole number' : 'a number'} from ${String(limits.min)} to ${String(limits.max)}${limits.unit === '' ? '' : ` ${limits.unit}`}, not "${text}".`);
  }
  return value;
}

/** Whether a --gpus value has the form of a source. Whether the file is there, the engine finds out. */
export function isGpuSpec(spec: string): boolean {
  return /^(nvml|smi|none|simulate(:([1-9]|1[0-6]))?|replay:.+)$/.test(spec);
}
