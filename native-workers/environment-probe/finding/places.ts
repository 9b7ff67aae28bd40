import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where this machine (or the root of a test) keeps things. */
export interface Places {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** A path of the machine, as `/opt`; below the given root when there is one. */
  at(absolute: string): string;
  /** An environment variable; always null below a given root, whose places are its own. Empty counts as not set. */
  variable(name: string): string | null;
  /** The variable as a folder, else the given place. */
  variableOr(name: string, fallback: string): string;
  /** XDG_DATA_HOME, `~/Library/Application Support`, %APPDATA%. */
  readonly dataHome: string;
  /** XDG_CACHE_HOME, `~/Library/Caches`, %LOCALAPPDATA%. */
  readonly cacheHome: string;
  /** %LOCALAPPDATA%; only meaningful on Windows. */
  readonly localAppData: string;
  /** %APPDATA%; only meaningful on Windows. */
  readonly appData: string;
  readonly insideWsl: boolean;
}

/** @param root - a folder that stands for the whole machine and its home (tests, benchmarks), or null */
export function makePlaces(root: string | null, env: NodeJS.ProcessEnv, platform: NodeJS.Platform, insideWsl: boolean): Places {
  const home = root ?? homedir();
  const variable = (name: string): string | null => {
    const value = root === null ? env[name] : undefined;
    return value === undefined || value === '' ? null : value;
  };
  const variableOr = (name: string, fallback: string): string => variable(name) ?? fallback;
  const localAppData = variableOr('LOCALAPPDATA', join(home, 'AppData', 'Local'));
  const appData = variableOr('APPDATA', join(home, 'AppData', 'Roaming'));
  const [dataHome, cacheHome] =
    platform === 'win32' ? [appData, localAppData]
    : platform === 'darwin' ? [join(home, 'Library', 'Application Support'), join(home, 'Library', 'Caches')]
    : [variableOr('XDG_DATA_HOME', join(home, '.local', 'share')), variableOr('XDG_CACHE_HOME', join(home, '.cache'))];
  return {
    platform, home, variable, variableOr, localAppData, appData, dataHome, cacheHome, insideWsl,
    at: (absolute) => (root === null ? absolute : join(root, absolute)),
  };
}
