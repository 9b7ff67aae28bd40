/** A file as it is to be written. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}
