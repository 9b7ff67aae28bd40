import { delimiter } from 'node:path';

/** What would change what our Node or our Python loads. */
const FORBIDDEN = /^(NODE_OPTIONS|NODE_PATH|NODE_REPL_EXTERNAL_MODULE|ELECTRON_.*|LD_PRELOAD|LD_AUDIT|DYLD_.*|PYTHONHOME|PYTHONPATH|PYTHONSTARTUP|PYTHONINSPECT)$/i;
/** Lists of folders to which an AppImage adds its own, so that programs of the system would load its libraries. */
const PATH_LISTS = ['PATH', 'LD_LIBRARY_PATH', 'XDG_DATA_DIRS', 'GSETTINGS_SCHEMA_DIR', 'PERLLIB', 'QT_PLUGIN_PATH'];

/** The environment of the engine: the user's, without what would let it run something else. */
export function makeEngineEnvironment(env: NodeJS.ProcessEnv, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {};
  const appDir = env['APPDIR'];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || FORBIDDEN.test(name) || name === 'APPDIR') continue;
    if (appDir && PATH_LISTS.includes(name)) {
      const kept = value.split(delimiter).filter((folder) => folder !== '' && folder !== appDir && !folder.startsWith(`${appDir}/`));
      if (kept.length > 0) result[name] = kept.join(delimiter);
    } else {
      result[name] = value;
    }
  }
  return { ...result, ...extra };
}
