/** Names that a child inherits. Everything else is left out: an allow-list, because what harms is not a closed list. */
const NAMES = new Set([
  ...['PATH', 'HOME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER'],
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'TEMP', 'TMP', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'USERPROFILE', 'COMSPEC', 'PATHEXT'],
]);
const PREFIXES = ['LC_', 'XDG_', 'WSL_', 'NVIDIA_', 'WARPDECK_TEST_'];

/**
 * The environment of a worker or a program: what the allow-list lets through of `env`, with `extra` on top. So
 * NODE_OPTIONS, ELECTRON_RUN_AS_NODE, LD_PRELOAD, DYLD_*, PYTHON* and tokens never reach a child by inheritance.
 * Names are compared without case on Windows, whose variables are so.
 */
export function childEnvironment(env: NodeJS.ProcessEnv, extra: Readonly<Record<string, string>> = {}, platform: NodeJS.Platform = process.platform): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const key = platform === 'win32' ? name.toUpperCase() : name;
    if (value !== undefined && (NAMES.has(key) || PREFIXES.some((prefix) => key.startsWith(prefix)))) result[name] = value;
  }
  return { ...result, ...extra };
}
