import type { Application, ApplyMeans, ComponentHealth, EffectCard, EffectVerdict, ToggleState } from '../../../contract/optimize.ts';
import { formatFigures, formatMib } from '../../ui/format.ts';
import type { IconName } from '../../ui/icons.tsx';
import type { StateKind } from '../../ui/state-mark.tsx';

export interface VerdictLook {
  /** Class of the card. */
  readonly look: 'helps' | 'hurts' | 'none' | 'cannot' | 'run';
  readonly icon: IconName;
  readonly kind: StateKind | null;
  /** As it is counted: `3 help`. */
  readonly counted: string;
}

const looks: Readonly<Record<EffectVerdict | 'measuring', VerdictLook>> = {
  helps: { look: 'helps', icon: 'ok', kind: 'fine', counted: 'help' },
  hurts: { look: 'hurts', icon: 'bad', kind: 'problem', counted: 'hurt' },
  no_effect: { look: 'none', icon: 'none', kind: null, counted: 'no effect' },
  cannot_resolve: { look: 'none', icon: 'unk', kind: 'unknown', counted: 'cannot tell' },
  could_not_run: { look: 'cannot', icon: 'warn', kind: 'attention', counted: 'could not run' },
  measuring: { look: 'run', icon: 'run', kind: 'pending', counted: 'measuring' },
};

/** How a verdict looks; null: it is being measured. Pure. */
export const verdictLook = (verdict: EffectVerdict | null): VerdictLook => looks[verdict ?? 'measuring'];

const MINUS = '−';
const signed = (value: number, text: string): string => `${value < 0 ? MINUS : '+'}${text}`;

/** `1.73`, `0.9994`: so many digits that a small effect is not rounded away. Pure. */
export function formatRatio(ratio: number): string {
  const off = Math.abs(ratio - 1);
  return ratio.toFixed(ratio >= 100 ? 0 : ratio >= 10 ? 1 : off < 0.02 ? 4 : off < 0.1 ? 3 : 2);
}

/** The interval beside the sentence: `[1.71, 1.75]`, in percent where there is no clear effect. Pure. */
export function describeInterval(card: Pick<EffectCard, 'verdict' | 'low' | 'high'>): string | null {
  const { low, high, verdict } = card;
  if (low === null || high === null) return null;
  if (verdict !== 'no_effect' && verdict !== 'cannot_resolve') return `[${formatRatio(low)}, ${formatRatio(high)}]`;
  // Where the figures vary that much, percent of a speed say nothing: −96 and +5482 %.
  if (high > 2 || low < 0.5) return `[${formatRatio(low)}, ${formatRatio(high)}]×`;
  const percent = (ratio: number): string => signed(ratio - 1, formatPercentDigits(Math.abs(ratio - 1) * 100));
  return `[${percent(low)}, ${percent(high)}] %`;
}

/** From which change on the measurement would have shown one; empty: not known. Pure. */
export function describeResolution(percent: number | null): string {
  if (percent === null) return '';
  return percent >= 100 ? `Only a change of more than ${formatRatio(1 + percent / 100)}× would have shown.` : `Shows changes from ${formatPercentDigits(percent)} % on.`;
}
const formatPercentDigits = (percent: number): string => (percent < 10 ? percent.toFixed(1) : percent.toFixed(0));

/** A figure with its before and after. `text` null: it was not reported. */
export interface Fact {
  readonly text: string | null;
  readonly unit: string;
}

/** Relative error against FP64, in percent: `<0.0001 → 0.04 %`. Pure. */
export function describeError(card: Pick<EffectCard, 'a' | 'b'>): Fact {
  const [a, b] = [card.a.error, card.b.error];
  if (a === null || b === null) return { text: b === null ? null : formatErrorPercent(b), unit: '%' };
  if (a === b) return { text: 'unchanged', unit: '' };
  return { text: `${formatErrorPercent(a)} → ${formatErrorPercent(b)}`, unit: '%' };
}

/** A share of the largest true value as percent, with two digits that mean something. Pure. */
export function formatErrorPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0';
  if (percent < 0.0001) return '<0.0001';
  return percent >= 1 ? formatFigures(percent) : String(Number(percent.toPrecision(2)));
}

/** Memory with less memory without, with a sign. Pure. */
export function describeMemory(card: Pick<EffectCard, 'a' | 'b'>): Fact {
  const [a, b] = [card.a.memoryBytes, card.b.memoryBytes];
  if (a === null || b === null) return { text: null, unit: '' };
  const { text, unit } = formatMib(Math.abs(b - a));
  return { text: a === b ? '±0' : signed(b - a, text), unit: a === b ? 'MiB' : unit };
}

/** Energy of one repetition, without and with. Pure. */
export function describeEnergy(card: Pick<EffectCard, 'a' | 'b'>): Fact {
  const [a, b] = [card.a.joulesPerUnit, card.b.joulesPerUnit];
  if (a === null || b === null) return { text: null, unit: '' };
  const small = Math.max(a, b) < 0.1;
  const scale = small ? 1000 : 1;
  return { text: `${formatFigures(a * scale)} → ${formatFigures(b * scale)}`, unit: small ? 'mJ' : 'J' };
}

/** Change of the energy of one repetition, %. Pure. */
export function describeEnergyChange(card: Pick<EffectCard, 'a' | 'b'>): Fact {
  const [a, b] = [card.a.joulesPerUnit, card.b.joulesPerUnit];
  if (a === null || b === null || a <= 0) return { text: null, unit: '' };
  const percent = (b / a - 1) * 100;
  return { text: Math.abs(percent) < 0.05 ? '±0' : signed(percent, formatPercentDigits(Math.abs(percent))), unit: '%' };
}

/** GPU, driver and library that it was measured with. Pure. */
export function describeProvenance({ identity, workload }: Pick<EffectCard, 'identity' | 'workload'>): string {
  const { gpu, driver, torch, engine } = identity;
  const library = workload.engine === 'llama' ? (engine === null ? null : `llama.cpp ${engine}`) : torch === null ? null : `torch ${torch}`;
  return [gpu ?? 'Processor', driver === null ? null : `driver ${driver}`, library].filter((part) => part !== null).join(' · ');
}

/** Why the switch of a card cannot be used, or null. Pure. */
export function decideSwitchOff({ toggle, state, why }: Pick<ToggleState, 'toggle' | 'state' | 'why'>): string | null {
  if (state === 'unavailable') return why ?? 'It does not exist here.';
  if (toggle.notOffered !== null) return toggle.notOffered;
  if (toggle.means === 'engine') return 'A setting of llama.cpp: Tune finds and keeps the best one for a model.';
  if (toggle.means === 'device') return 'A setting of the GPU: it is changed below, under GPU settings.';
  return null;
}

/** What holds now, in a few words; null: nothing worth saying. `shown`: the value that the card shows. Pure. */
export function describeState({ state, value, toggle }: Pick<ToggleState, 'state' | 'value' | 'toggle'>, shown: string): string | null {
  const named = toggle.values.find((one) => one.id === value)?.title ?? value;
  if (state === 'set') return named === null || value === shown ? 'in force' : `in force: ${named}`;
  if (state === 'other') return named === null ? 'set by others' : `set by others: ${named}`;
  return null;
}

export const riskWords: Readonly<Record<ToggleState['toggle']['risk'], string | null>> = { none: null, accuracy: 'it may cost accuracy', memory: 'it may need more memory', stability: 'it may be unstable', hardware: 'it changes the GPU for all programs' };
export const resultWords: Readonly<Record<ToggleState['toggle']['changesResults'], string | null>> = { no: null, rounding: 'last digits of results change', yes: 'results change' };

export const meansWords: Readonly<Record<ApplyMeans, { readonly text: string; readonly title: string; readonly what: string }>> = {
  snippet: { text: 'Lines to copy', title: 'Writes nothing', what: 'Lines for your own program. Nothing is written.' },
  hook: { text: 'Every start', title: 'A file in the environment', what: 'A file in the environment sets them whenever its Python starts. Undo removes it.' },
  conda: { text: 'conda', title: 'Variables of the conda environment', what: 'Variables that conda sets when the environment is activated. Undo removes them.' },
  jupyter: { text: 'Jupyter', title: 'Variables of its kernel', what: 'Variables of this environment’s Jupyter kernel. Undo puts the kernel file back.' },
};

export const applicationWords: Readonly<Record<Application['state'], { readonly kind: StateKind; readonly word: string; readonly means: string | null }>> = {
  in_force: { kind: 'fine', word: 'in force', means: null },
  edited: { kind: 'attention', word: 'edited since', means: 'A file is not as it was written, and is left alone.' },
  gone: { kind: 'unknown', word: 'gone', means: 'The environment was made anew.' },
  reverted: { kind: 'unknown', word: 'undone', means: null },
};

export const healthWords: Readonly<Record<ComponentHealth['state'], { readonly kind: StateKind; readonly word: string }>> = {
  works: { kind: 'fine', word: 'works' },
  fails: { kind: 'problem', word: 'fails' },
  unproved: { kind: 'unknown', word: 'not proved' },
  absent: { kind: 'unknown', word: 'absent' },
};
