/** `name:key=value,key=value` → what a process is told. Pure. */
import { torchWorkloads, type ParameterRule, type TorchWorkload } from './torch-workloads.ts';

export type WorkloadUnit = TorchWorkload['units'][number];

export interface ParsedWorkload {
  readonly name: string;
  /** All of them, with defaults filled in. */
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly unit: WorkloadUnit;
  readonly runs: TorchWorkload['runs'];
}
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly detail: string };

const LENGTH_LIMIT = 400;
const refuse = (detail: string): { ok: false; detail: string } => ({ ok: false, detail });

/** Splits `matmul:dtype=bf16,n=8192`; the part after the colon may be missing. */
export function splitWorkload(text: string): Parsed<{ readonly name: string; readonly given: ReadonlyMap<string, string> }> {
  if (text.length > LENGTH_LIMIT) return refuse('its name is too long.');
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const given = new Map<string, string>();
  for (const part of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals)).trim();
    if (key === '') return refuse(`"${part}" is no parameter: it takes name=value.`);
    if (given.has(key)) return refuse(`${key} is given twice.`);
    given.set(key, part.slice(equals + 1).trim());
  }
  return { ok: true, value: { name, given } };
}

/** A workload of torch with its parameters inside their bounds, or why not. */
export function parseTorchWorkload(text: string): Parsed<ParsedWorkload> {
  const split = splitWorkload(text);
  if (!split.ok) return split;
  const { name, given } = split.value;
  const known = Object.hasOwn(torchWorkloads, name) ? Object.entries(torchWorkloads).find(([key]) => key === name)?.[1] : undefined;
  if (known === undefined) return refuse('there is no such workload.');
  const workload: TorchWorkload = known;
  const parameters: Record<string, string | number> = {};
  for (const [key, rule] of Object.entries(workload.parameters)) {
    const value = readParameter(key, rule, given.get(key));
    if (!value.ok) return value;
    parameters[key] = value.value;
  }
  const unknown = [...given.keys()].find((key) => key !== 'unit' && !Object.hasOwn(workload.parameters, key));
  if (unknown !== undefined) return refuse(`${name} has no parameter ${unknown}; it takes ${[...Object.keys(workload.parameters), 'unit'].join(', ')}.`);
  const [standard] = workload.units;
  const wished = given.get('unit')?.replace('µ', 'u');
  const unit = wished === undefined ? standard : workload.units.find((one) => one === wished);
  if (unit === undefined) return refuse(`${name} is not measured in ${wished ?? ''}, only in ${workload.units.join(', ')}.`);
  return { ok: true, value: { name, parameters, unit, runs: workload.runs } };
}

function readParameter(key: string, rule: ParameterRule, text: string | undefined): Parsed<string | number> {
  if ('words' in rule) {
    const value = text ?? rule.default;
    // Without words: a GPU's UUID.
    if (rule.words.length === 0) return value === '' || /^GPU-[0-9a-f-]{8,64}$/i.test(value) ? { ok: true, value } : refuse(`${key} must be the UUID of a GPU.`);
    return rule.words.includes(value) ? { ok: true, value } : refuse(`${key} is ${rule.words.join(', ')}, not "${value}".`);
  }
  return readWhole(key, rule, text);
}

/** A whole number inside its bounds. */
export function readWhole(key: string, rule: { readonly min: number; readonly max: number; readonly default: number }, text: string | undefined): Parsed<number> {
  if (text === undefined) return { ok: true, value: rule.default };
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= rule.min && value <= rule.max ? { ok: true, value } : refuse(`${key} is a whole number from ${String(rule.min)} to ${String(rule.max)}, not "${text}".`);
}
