import { resolve } from 'node:path';
import { defaultDataDir } from './data-dir.ts';

/** What the command line and the environment ask of the desktop face. */
export interface DesktopArguments {
  readonly dataDir: string;
  /** As given by --gpus or WARPDECK_GPUS; null when neither was. */
  readonly gpus: string | null;
  /** Start without showing the window (from the system's autostart). */
  readonly minimised: boolean;
}

/** `--name value` or `--name=value`; the last one counts. */
function option(args: readonly string[], name: string): string | null {
  let found: string | null = null;
  args.forEach((arg, i) => {
    if (arg.startsWith(`${name}=`)) found = arg.slice(name.length + 1);
    else if (arg === name) found = args[i + 1] ?? null;
  });
  return found;
}

/** Chromium's own switches and everything unknown are passed over: the system's launchers add what they like. */
export function parseDesktopArguments(args: readonly string[], env: NodeJS.ProcessEnv): DesktopArguments {
  const dataDir = option(args, '--data-dir');
  return {
    dataDir: dataDir === null ? defaultDataDir(env) : resolve(dataDir),
    gpus: option(args, '--gpus') ?? env['WARPDECK_GPUS'] ?? null,
    minimised: args.includes('--minimised'),
  };
}
