import type { EnvironmentTool, FoundEnvironment } from '../../../contract/environments.ts';
import type { PackageChange, Route } from '../../../contract/upgrades.ts';

/** What may stand between us and an index; from the user's environment and the settings. Values never reach logs. */
export interface IndexAccess {
  /** Base of PyTorch's wheel index, as `https://download.pytorch.org/whl`. */
  readonly torchIndexUrl: string;
  /** Null: what the tool is set to. */
  readonly packageIndexUrl: string | null;
  /** Only wheels of this folder; nothing is downloaded. */
  readonly wheelFolder: string | null;
  /** HTTP(S)_PROXY, NO_PROXY, SSL_CERT_FILE, PIP_*, UV_* (credentials), NETRC of the user's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** What is to stand in the environment afterwards. */
export type InstallWish =
  /** The packages of a route, all others kept as they are. */
  | { readonly kind: 'route'; readonly route: Route; readonly also: readonly string[] }
  /** Files of these packages again, same versions (damage). */
  | { readonly kind: 'reinstall'; readonly packages: readonly string[] };

export interface Resolution {
  readonly changes: readonly PackageChange[];
  readonly unchanged: number;
  readonly downloadBytes: number | null;
  /** Unpacked size of what comes, where known. */
  readonly installBytes: number | null;
  readonly resolvedWith: string;
  readonly tookMs: number;
  /** Printed to the user and run by `install` as they stand (argv joined for show). */
  readonly commands: readonly string[];
  /** The same as they are run. Not for logs or faces: an index may have its credentials in its URL. */
  readonly steps: readonly ToolStep[];
  /** Files outside the environment that `install` changes (pyproject.toml, uv.lock): part of the snapshot. */
  readonly extraPaths: readonly string[];
  /** Those files as they are to be, with what they were when this was planned. */
  readonly files: readonly { readonly path: string; readonly before: string; readonly after: string }[];
}

/** One program that `install` runs. */
export interface ToolStep {
  readonly program: string;
  readonly args: readonly string[];
  /** On top of what reaches the index. */
  readonly env: Readonly<Record<string, string>>;
  /** `fetch` only fills a cache or a folder of ours: until it is done, the environment is as it was. */
  readonly phase: 'fetch' | 'remove' | 'install' | 'project';
  readonly doing: string;
}

export interface InstallProgress {
  progress(p: { readonly fraction: number | null; readonly doing?: string }): void;
  log(text: string): void;
  readonly signal: AbortSignal;
}

/** pip, uv, conda, …: changes one environment with its own means, under the guard. */
export interface InstallTool {
  readonly name: EnvironmentTool;
  /** Without changing anything. @throws ProblemError `upgrade.conflict`, `upgrade.no_wheel`, `upgrade.index_unreachable`, `upgrade.no_tool`, `upgrade.manual_route`, `upgrade.stalled` */
  resolve(environment: FoundEnvironment, wish: InstallWish, access: IndexAccess, signal: AbortSignal): Promise<Resolution>;
  /** @throws ProblemError `upgrade.tool_failed`, `upgrade.hash_mismatch`, `upgrade.stalled`, `file.disk_full`, … Never restores: the transaction does. */
  install(environment: FoundEnvironment, wish: InstallWish, resolution: Resolution, access: IndexAccess, context: InstallProgress): Promise<void>;
  /** Requirements that are not met afterwards, one sentence each (`pip check`). */
  check(environment: FoundEnvironment, signal: AbortSignal): Promise<readonly string[]>;
}
