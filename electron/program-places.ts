import { join } from 'node:path';

/** Where the parts of the installed app, or of a checkout, lie. */
export interface ProgramPlaces {
  readonly node: string;
  readonly engineEntry: string;
  readonly renderer: string;
  readonly icons: string;
  /** The folder that Python scripts and data tables are read from by the engine; null = the engine's own rule. */
  readonly resources: string | null;
}

export interface PlaceFacts {
  readonly packaged: boolean;
  readonly appPath: string;
  readonly resourcesPath: string;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly env: NodeJS.ProcessEnv;
}

const NODE_PACKAGE_PLATFORM: Partial<Record<NodeJS.Platform, string>> = { win32: 'win' };

/**
 * The engine runs on the Node shipped beside the app; plain Node cannot read inside an asar archive, so what it
 * runs is unpacked beside it. In a checkout `WARPDECK_NODE` may name another Node; an installed app ignores it.
 */
export function decidePlaces(facts: PlaceFacts): ProgramPlaces {
  const exe = facts.platform === 'win32' ? 'node.exe' : 'node';
  const unpacked = facts.appPath.replace(/app\.asar$/, 'app.asar.unpacked');
  const engineEntry = join(unpacked, 'out', 'engine', 'engine.mjs');
  const renderer = join(facts.appPath, 'out', 'renderer');
  if (facts.packaged) {
    return { node: join(facts.resourcesPath, 'node', exe), engineEntry, renderer, icons: join(facts.resourcesPath, 'icons'), resources: facts.resourcesPath };
  }
  const npmNode = join(facts.appPath, 'node_modules', `node-${NODE_PACKAGE_PLATFORM[facts.platform] ?? facts.platform}-${facts.arch}`, 'bin', exe);
  return { node: facts.env['WARPDECK_NODE'] ?? npmNode, engineEntry, renderer, icons: join(facts.appPath, 'resources', 'icons'), resources: null };
}

/**
 * May this build be looked into (developer tools, remote debugging)? A checkout may; an installed app only when its
 * package.json inside the archive says so, which the test packaging does and a release never.
 */
export function decideInspectable(packaged: boolean, readPackage: () => string): boolean {
  if (!packaged) return true;
  try {
    const parsed: unknown = JSON.parse(readPackage());
    return typeof parsed === 'object' && parsed !== null && 'warpdeckInspectable' in parsed && parsed.warpdeckInspectable === true;
  } catch {
    return false;
  }
}
