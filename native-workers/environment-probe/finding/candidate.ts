import type { EnvironmentKind } from '../../../contract/environments.ts';
import type { SearchContext } from './search-context.ts';

/** A folder that may be an environment: what a locator says of it. Whether it is one is found by its own marks. */
export interface Candidate {
  readonly prefix: string;
  /** Human words: `conda list`, `Jupyter kernel "chat"`. */
  readonly foundBy: string;
  /** What the place says it is; marks inside the environment go first. */
  readonly kind?: EnvironmentKind;
  /** One of several interpreters of a prefix (`/usr` with 3.11 and 3.12), as `3.12`; absent for its default. */
  readonly variant?: string;
  readonly interpreter?: string;
  readonly projectFolder?: string;
  readonly place?: string;
  readonly name?: string;
  /** Where packages are when they are not below the prefix (Windows Store). */
  readonly packageFolders?: readonly string[];
}

/** Finds environments of one family. Reads through the context; never throws but when the search is cancelled. */
export interface Locator {
  readonly name: string;
  find(context: SearchContext): Promise<readonly Candidate[]>;
}
