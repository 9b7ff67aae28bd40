import type { AttachedEngine } from '../engine/attach-engine.ts';
import type { Output } from './output.ts';

/** The version of every JSON document that a command prints. */
export const JSON_SCHEMA_VERSION = 1;

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** llama.cpp's own word for it, as `-ngl`. */
  readonly alias?: string;
  /** The value's name in the help; a flag without it is a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** May be given several times; `all` answers every value. */
  readonly repeats?: boolean;
  readonly summary: string;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

/** A verb as data: help, completion and parsing are made from it; its code is loaded when it runs. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What follows the verb, as in `FILE --seconds N`. */
  readonly usage: string;
  readonly notes?: string;
  /** Fixed words that may stand first, for completion. */
  readonly words?: readonly string[];
  readonly positionals: { readonly min: number; readonly max: number };
  readonly flags: readonly FlagSpec[];
  readonly examples: readonly Example[];
  readonly load: () => Promise<CommandRun>;
}

export interface Flags {
  /** The value of a flag, or null when it was not given. */
  text(name: string): string | null;
  /** Every value of a flag that repeats, in the order given. */
  all(name: string): readonly string[];
  on(name: string): boolean;
}

export interface AttachWish {
  readonly stay?: boolean;
  readonly mayStart?: boolean;
  readonly whenGpusDiffer?: 'own' | 'problem';
  /** The engine of the data folder, whatever its GPUs are: what is asked for has nothing to do with them. */
  readonly anyGpus?: boolean;
}

export interface CommandContext {
  readonly flags: Flags;
  readonly positionals: readonly string[];
  /** The table that this command is in. */
  readonly commands: readonly Command[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly dataDir: string;
  /** As given by --gpus or WARPDECK_GPUS; null when not given. */
  readonly gpus: string | null;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  /** Ctrl+C, a termination, or a reader that went away. */
  readonly signal: AbortSignal;
  attach(wish?: AttachWish): Promise<AttachedEngine>;
  /** Asks the launcher to open a page. False where nobody can. */
  openPage(target: string): boolean;
}

/** Answers the exit code: 0 fine, 1 findings. A Problem is thrown. */
export type CommandRun = (context: CommandContext) => Promise<number>;
