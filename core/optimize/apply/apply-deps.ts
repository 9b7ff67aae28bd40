import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Logger } from '../../logging/logger.ts';

/** An environment as the environments part knows it now. */
export interface ApplyEnvironment {
  readonly found: FoundEnvironment;
  /** With its label; null: there is none, or its version cannot be read. */
  readonly torch: string | null;
}

export interface ApplyDeps {
  /** Where the records of applications are kept. */
  readonly folder: string;
  /** As it is on the disk now. @throws ProblemError `env.not_found` */
  readEnvironment(id: string): Promise<ApplyEnvironment>;
  /** The environment of an interpreter; null: none is known. */
  findByPython(python: string): Promise<ApplyEnvironment | null>;
  /** Where a program of this machine can compute: each GPU, and the processor. */
  places(): readonly { readonly key: string; readonly computeCapability: string | null }[];
  /** Physical ones of this machine. */
  readonly cores: number;
  readonly wsl: boolean;
  readonly platform: NodeJS.Platform;
  /** Keeps an upgrade and other engines out meanwhile. @throws ProblemError `upgrade.busy` */
  lockEnvironment(prefix: string, id: string): Promise<{ release(): Promise<void> }>;
  /** Folders in which kernels of Jupyter are registered for the user. */
  kernelFolders(): readonly string[];
  /** Toggles of a set. @throws ProblemError `profile.not_found` */
  findProfile(id: string): Promise<{ readonly toggles: readonly { readonly toggleId: string; readonly value: string }[] }>;
  /** An application came, went or changed. */
  onChange(): void;
  readonly log: Logger;
  readonly now?: () => number;
}
