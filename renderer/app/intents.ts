/** One thing that the user can want, shared by buttons, shortcuts and the command palette. */
export interface Intent {
  readonly id: string;
  /** A verb and its object: "Look for the driver again". */
  readonly title: string;
  readonly group: 'do' | 'go';
  readonly icon: IconName;
  /** Place or consequence, shown behind the title. */
  readonly detail?: string;
  /** As printed, e.g. "Ctrl R"; matched by `matchesKeys`. */
  readonly keys?: string;
  /** More words by which it is found. */
  readonly words?: string;
  /** Why it cannot be done now, in one clause; null when it can. */
  guard(): string | null;
  perform(): void | Promise<void>;
}

import type { IconName } from '../ui/icons.tsx';

export interface IntentRegistry {
  /** All intents now, in the order of registration. */
  list(): readonly Intent[];
  /** Adds intents for as long as their page is there. Returns the remover. */
  register(intents: readonly Intent[]): () => void;
  /** Performs one if its guard allows; false when it is unknown or cannot be done now. */
  run(id: string): boolean;
}

/** An empty registry. `onError` gets what a `perform` threw. */
export function createIntentRegistry(onError: (error: unknown) => void): IntentRegistry {
  const groups = new Set<readonly Intent[]>();
  const list = (): readonly Intent[] => [...groups].flat();
  return {
    list,
    register: (intents) => {
      groups.add(intents);
      return () => {
        groups.delete(intents);
      };
    },
    run: (id) => {
      const intent = list().find((i) => i.id === id);
      if (!intent || intent.guard() !== null) return false;
      void Promise.resolve().then(() => intent.perform()).catch(onError);
      return true;
    },
  };
}
