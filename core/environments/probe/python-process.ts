/** A running Python, and the environment that it uses as far as it can be told from outside. */
export interface PythonProcess {
  readonly pid: number;
  /** The file that runs, links followed; null when this user may not know. */
  readonly executable: string | null;
  /** Prefix of its environment; null when it cannot be told, or lies in a container. */
  readonly prefixGuess: string | null;
  /** The same without links; null where it is not there any more. */
  readonly prefixReal: string | null;
  readonly command: string;
  /** User name, or the number of one without a name; null when it cannot be told. */
  readonly user: string | null;
  readonly startedAtMs: number | null;
  /** Prefixes below which it has libraries mapped: proof of use, whatever its command says. */
  readonly openFilesUnder: readonly string[];
}
