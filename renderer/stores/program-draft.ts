/** What the user has entered of a program of one's own. */
export interface ProgramDraft {
  readonly command: string;
  readonly pattern: string;
  readonly higherIsBetter: boolean;
  readonly unit: string;
  readonly folder: string;
  /** For one run. */
  readonly timeoutSeconds: number;
  /** For the whole measurement. */
  readonly budgetSeconds: number;
}

export const emptyProgram: ProgramDraft = { command: '', pattern: '', higherIsBetter: true, unit: '', folder: '', timeoutSeconds: 300, budgetSeconds: 300 };

const KEY = 'warpdeck.program';

/** As it was entered last on this machine; what is not as it should be is as if never entered. */
export function recallProgram(): ProgramDraft {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return emptyProgram;
    const known = new Map<string, unknown>(Object.entries(stored));
    const text = (name: 'command' | 'pattern' | 'unit' | 'folder', most: number): string => {
      const found = known.get(name);
      return typeof found === 'string' && found.length <= most ? found : emptyProgram[name];
    };
    const seconds = (name: 'timeoutSeconds' | 'budgetSeconds', least: number, most: number): number => {
      const found = known.get(name);
      return typeof found === 'number' && found >= least && found <= most ? found : emptyProgram[name];
    };
    return { command: text('command', 4096), pattern: text('pattern', 500), higherIsBetter: known.get('higherIsBetter') !== false, unit: text('unit', 20), folder: text('folder', 4096), timeoutSeconds: seconds('timeoutSeconds', 1, 3600), budgetSeconds: seconds('budgetSeconds', 5, 7200) };
  } catch {
    return emptyProgram;
  }
}

export function rememberProgram(draft: ProgramDraft): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // A browser that keeps nothing: it is entered again next time.
  }
}
