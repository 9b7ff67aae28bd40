/** Where NVML is looked for, in this order: the system's own search first, then the places it may not know. */
export function listLibraryCandidates(platform: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (platform === 'win32') {
    const windows = env['SystemRoot'] ?? 'C:\\Windows';
    const programs = env['ProgramFiles'] ?? 'C:\\Program Files';
    return [`${windows}\\System32\\nvml.dll`, `${programs}\\NVIDIA Corporation\\NVSMI\\nvml.dll`];
  }
  if (platform !== 'linux') return [];
  const name = 'libnvidia-ml.so.1';
  const folders = [
    '/usr/lib/wsl/lib', // WSL 2: the Windows driver's library
    '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib',
    '/usr/lib/x86_64-linux-gnu/nvidia/current', '/usr/lib/nvidia',
    '/run/opengl-driver/lib', // NixOS
    '/usr/local/nvidia/lib64', '/usr/local/nvidia/lib', // containers
  ];
  return [name, ...folders.map((folder) => `${folder}/${name}`)];
}

/** What a failed load says: that this file is not there (look on), or that it is there and does not work. */
export function decideLoadFailure(candidate: string, message: string): 'absent' | 'broken' {
  const aboutItself = message.includes(`${candidate}: cannot open shared object file: No such file`);
  const windowsAbsent = /The specified module could not be found/i.test(message) && !message.includes('dependen');
  return aboutItself || windowsAbsent ? 'absent' : 'broken';
}

/** The driver's version out of the library's real file name (`libnvidia-ml.so.580.159.04`), or null. */
export function parseLibraryVersion(path: string | null): string | null {
  return path === null ? null : (/\.so\.(\d+\.\d+(?:\.\d+)*)$/.exec(path)?.[1] ?? null);
}

/** The loaded library's real path out of /proc/self/maps, or null. */
export function parseLoadedPath(maps: string): string | null {
  return /(\/\S*libnvidia-ml\.so\S*)$/m.exec(maps)?.[1] ?? null;
}

/** The kernel module's version out of /proc/driver/nvidia/version, or null. */
export function parseModuleVersion(text: string): string | null {
  return /Kernel Module[^\n]*?\s(\d+\.\d+(?:\.\d+)*)\s/.exec(text)?.[1] ?? null;
}
