import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { UpgradePlan, VerifyCheck } from '../../../contract/upgrades.ts';
import type { Fingerprint } from './installed-packages.ts';

/** What a running upgrade tells, and how it is cancelled: a job's context fits. */
export interface UpgradeContext {
  readonly signal: AbortSignal;
  progress(p: { readonly fraction: number | null; readonly doing?: string }): void;
  log(text: string): void;
}

/** Handed to what changes the environment. */
export interface ChangeContext extends UpgradeContext {
  /**
   * Notes a program that leads its own process group, so that recovery after a crash ends it before it puts anything
   * back. Programs run by the supervisor are noted by it and need not be.
   */
  noteProcess(pid: number): Promise<void>;
}

export interface UpgradeCheck {
  readonly name: VerifyCheck['name'];
  readonly title: string;
  /** Answers what it found in a few words, or that it was skipped and why. Whatever it throws fails the upgrade. */
  run(signal: AbortSignal): Promise<string | null | { readonly skipped: string }>;
}

export interface ApplyInput {
  readonly plan: UpgradePlan;
  readonly environment: FoundEnvironment;
  /** As it was when the plan was made (`readFingerprint`); null where that is not known. */
  readonly fingerprint: Fingerprint | null;
  install(context: ChangeContext): Promise<void>;
  readonly verify: readonly UpgradeCheck[];
  /** The user agreed to what the plan says at severity `attention`. */
  readonly agree: boolean;
  readonly jobId: string | null;
  readonly context: UpgradeContext;
}

export interface RollbackInput {
  /** Null: the newest upgrade of the environment that can be undone. */
  readonly upgradeId: string | null;
  readonly environment: FoundEnvironment;
  /** As it was when undoing was planned. */
  readonly fingerprint: Fingerprint | null;
  readonly planId: string;
  readonly verify: readonly UpgradeCheck[];
  /** Go on although files were written in place and cannot be brought back, or the environment changed since. */
  readonly agree: boolean;
  readonly jobId: string | null;
  readonly context: UpgradeContext;
}
