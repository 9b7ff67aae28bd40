import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Problem } from '../../contract/problem.ts';

export interface Question {
  readonly title: string;
  readonly detail: string;
  readonly confirmLabel: string;
}

export interface UiState {
  readonly palette: boolean;
  readonly help: boolean;
  /** A confirmation that is being asked by the page itself (browser). */
  readonly question: Question | null;
  /** Something that the user did has failed; shown until dismissed or done better. */
  readonly trouble: Problem | null;
  /** One sentence about what has just been done. */
  readonly said: string | null;
  showPalette(show: boolean): void;
  showHelp(show: boolean): void;
  ask(question: Question): Promise<boolean>;
  answer(yes: boolean): void;
  complain(problem: Problem | null): void;
  say(sentence: string | null): void;
}
export type UiStore = StoreApi<UiState>;

/** What is open on top of the page. Nothing of it comes from the engine. */
export function createUiStore(): UiStore {
  let answerQuestion: ((yes: boolean) => void) | null = null;
  return createStore<UiState>()((set) => ({
    palette: false,
    help: false,
    question: null,
    trouble: null,
    said: null,
    showPalette: (palette) => set(palette ? { palette, help: false } : { palette }),
    showHelp: (help) => set(help ? { help, palette: false } : { help }),
    ask: (question) =>
      new Promise((resolve) => {
        answerQuestion?.(false);
        answerQuestion = resolve;
        set({ question });
      }),
    answer: (yes) => {
      answerQuestion?.(yes);
      answerQuestion = null;
      set({ question: null });
    },
    complain: (trouble) => set({ trouble }),
    say: (said) => set({ said }),
  }));
}
