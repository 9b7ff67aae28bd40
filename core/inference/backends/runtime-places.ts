import { join } from 'node:path';
import type { System } from './library-names.ts';

/** Folders that belong together: one environment, one toolkit, the system. */
export interface RuntimePlace {
  /** As people know it: `environment /home/…/venv`. */
  readonly from: string;
  readonly folders: readonly string[];
  /** The loader looks there by itself. */
  readonly system: boolean;
}

export interface RuntimeSurroundings {
  readonly environments: readonly { readonly prefix: string; readonly sitePackages: readonly string[] }[];
  /** Where the wheels were fetched to. */
  readonly fetchedFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folders in /etc/ld.so.conf and its kin. */
  readonly loaderFolders: readonly string[];
  /** /usr/local/cuda, /usr/local/cuda-13.0 … as they are there. */
  readonly toolkits: readonly string[];
  /** Beside the library itself, and beside the one that it is a copy of. */
  readonly ownFolders: readonly string[];
}

/** NVIDIA's wheels: of CUDA 13 all in one folder, of CUDA 12 one for each library. */
const WHEEL_FOLDERS: Readonly<Record<'linux' | 'win32', readonly string[]>> = {
  linux: ['nvidia/cu13/lib', 'nvidia/cuda_runtime/lib', 'nvidia/cublas/lib', 'nvidia/nccl/lib'],
  win32: ['nvidia/cu13/bin/x86_64', 'nvidia/cu13/bin', 'nvidia/cuda_runtime/bin', 'nvidia/cublas/bin', 'torch/lib'],
};
const MAX_ENVIRONMENTS = 500;

/** Where the libraries of the CUDA runtime are looked for, best first. Pure. */
export function decideRuntimePlaces(around: RuntimeSurroundings, { platform, arch }: System): RuntimePlace[] {
  const windows = platform === 'win32';
  const wheels = (base: string): string[] => WHEEL_FOLDERS[windows ? 'win32' : 'linux'].map((folder) => join(base, ...folder.split('/')));
  const places: RuntimePlace[] = [
    // Said to the loader: not every library is built to look beside itself.
    { from: 'beside the library', folders: around.ownFolders, system: false },
    { from: 'fetched by Warpdeck', folders: wheels(around.fetchedFolder), system: false },
  ];
  for (const { prefix, sitePackages } of around.environments.slice(0, MAX_ENVIRONMENTS)) {
    places.push({ from: `environment ${prefix}`, folders: [...sitePackages.flatMap(wheels), windows ? join(prefix, 'Library', 'bin') : join(prefix, 'lib')], system: false });
  }
  const listed = (name: string): string[] => (around.env[name] ?? '').split(windows ? ';' : ':').filter((folder) => folder.startsWith('/') || /^[a-z]:[\\/]/i.test(folder));
  const toolkits = [...listed('CUDA_PATH'), ...listed('CUDA_HOME'), ...around.toolkits];
  const bins = (root: string): string[] => (windows ? [join(root, 'bin', 'x64'), join(root, 'bin')] : [join(root, 'lib64'), join(root, 'targets', arch === 'arm64' ? 'sbsa-linux' : 'x86_64-linux', 'lib')]);
  places.push({ from: windows ? 'the search path' : 'LD_LIBRARY_PATH', folders: listed(windows ? 'PATH' : 'LD_LIBRARY_PATH'), system: true });
  for (const root of toolkits) places.push({ from: `CUDA toolkit ${root}`, folders: bins(root), system: false });
  const triple = arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const standard = windows ? [join(around.env['SYSTEMROOT'] ?? 'C:\\Windows', 'System32')] : [`/usr/lib/${triple}`, `/lib/${triple}`, '/usr/lib64', '/lib64', '/usr/lib', '/lib', '/usr/lib/wsl/lib'];
  places.push({ from: 'the system', folders: [...standard, ...around.loaderFolders], system: true });
  // NixOS, and distributions whose driver is not in the loader's own folders.
  if (!windows) places.push({ from: 'the system’s driver', folders: ['/run/opengl-driver/lib', '/usr/lib/nvidia', '/usr/local/nvidia/lib64'], system: false });
  return places;
}
