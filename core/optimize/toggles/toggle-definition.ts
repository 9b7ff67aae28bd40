import type { EngineSettings } from '../../../contract/inference.ts';
import type { ChosenToggle, Toggle } from '../../../contract/optimize.ts';

/** Where a toggle is to be used. Null: not known, which never counts as missing. */
export interface ToggleFacts {
  /** Version of the environment's torch: `2.8.0+cu128`. */
  readonly torch: string | null;
  /** `cpu` or a GPU's UUID. */
  readonly place: string;
  /** Of the GPU: `12.0`. */
  readonly computeCapability: string | null;
  readonly platform: NodeJS.Platform;
  readonly wsl: boolean;
  /** Release of llama.cpp that our engine would use. */
  readonly llama: string | null;
  readonly triton: boolean | null;
  /** Physical ones of this machine. */
  readonly cores: number;
}

/** One switch: what it is, and how it is switched. */
export interface ToggleDefinition {
  readonly toggle: Toggle;
  /** Why it is not there with these facts (and this value); null: it is. */
  decideAvailable(facts: ToggleFacts, value?: string): string | null;
  /** The name under which resources/python knows it: applied inside a process. Null: it is no line of code. */
  code(value: string): ChosenToggle | null;
  /** A start hook can set it, because it holds for the whole process from then on. Null: only the program itself can. */
  hook(value: string): ChosenToggle | null;
  /** What a process must be started with. */
  variables(value: string, facts: Pick<ToggleFacts, 'torch' | 'cores'>): Readonly<Record<string, string>>;
  /** For our llama.cpp engine. */
  settings(value: string, facts: Pick<ToggleFacts, 'cores'>): Partial<EngineSettings>;
  /** What it is measured against, where that is not the default: for our llama.cpp engine. */
  baseSettings(value: string): Partial<EngineSettings>;
  /** Lines for the user's own program (or command line). */
  snippet(value: string): string;
}

type Parts = Pick<ToggleDefinition, 'toggle' | 'snippet'> & Partial<Omit<ToggleDefinition, 'toggle' | 'snippet' | 'code' | 'hook'>> & {
  /** Values are handed to resources/python as they are; `hook`: it holds for the whole process. */
  readonly inPython?: 'code' | 'hook';
};

/** Fills in what a toggle does not have. */
export function defineToggle({ toggle, snippet, inPython, decideAvailable, variables, settings, baseSettings }: Parts): ToggleDefinition {
  const chosen = (value: string): ChosenToggle => ({ toggleId: toggle.id, value });
  return {
    toggle,
    snippet,
    decideAvailable: decideAvailable ?? (() => null),
    code: (value) => (inPython === undefined ? null : chosen(value)),
    hook: (value) => (inPython === 'hook' ? chosen(value) : null),
    variables: variables ?? (() => ({})),
    settings: settings ?? (() => ({})),
    baseSettings: baseSettings ?? (() => ({})),
  };
}

/** Where a claim was looked up: row of the audit in the project's performance reference. */
export const auditRow = (...rows: readonly number[]): string => `claims audit, ${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')}`;

/** The one value of a switch that is either on or off. */
export const onValue = [{ id: 'on', title: 'On' }];
export const offValue = [{ id: 'off', title: 'Off' }];
