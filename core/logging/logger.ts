/** What every part of the engine writes its log through. One line of JSON each; fields hold values, not sentences. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `area` set. */
  child(area: string): Logger;
}
export type LogFields = Readonly<Record<string, unknown>>;
