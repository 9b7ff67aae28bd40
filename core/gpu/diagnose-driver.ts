import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Finding } from '../../contract/gpu.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import { readHardwareFacts, type HardwareFacts } from './sources/choose-source.ts';

export interface MachineFacts {
  readonly inContainer: boolean;
  readonly wsl: boolean;
}

export interface DriverFacts extends MachineFacts {
  readonly hardware: HardwareFacts;
  /** Version of the loaded kernel module, from /proc/driver/nvidia/version. */
  readonly moduleVersion: string | null;
  /** Version of the module on disk, which a restart would load. */
  readonly moduleOnDisk: string | null;
  /** The library that programs would load, and its version from its file name. */
  readonly libraryPath: string | null;
  readonly libraryVersion: string | null;
  readonly deviceFiles: readonly { readonly path: string; readonly openable: boolean }[];
  readonly user: string;
}

const LIBRARY = 'libnvidia-ml.so.1';
/** Where distributions, containers and WSL put the driver's library. */
const libraryFolders = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib64', 'usr/lib', 'lib/x86_64-linux-gnu', 'usr/lib/wsl/lib', 'usr/lib/nvidia', 'usr/local/nvidia/lib64', 'usr/local/nvidia/lib', 'run/opengl-driver/lib'];

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Is this a container, is it WSL. From files only; never throws. */
export function readMachineFacts(options: { readonly root?: string } = {}): MachineFacts {
  const root = options.root ?? '/';
  const groups = text(join(root, 'proc/1/cgroup')) ?? '';
  return {
    inContainer: existsSync(join(root, '.dockerenv')) || existsSync(join(root, 'run/.containerenv')) || /docker|kubepods|containerd|libpod|lxc/.test(groups) || (text(join(root, 'proc/1/environ')) ?? '').includes('container='),
    wsl: /microsoft/i.test(text(join(root, 'proc/sys/kernel/osrelease')) ?? text(join(root, 'proc/version')) ?? ''),
  };
}

/** The first library there is, `ahead` of the usual folders: what the system's loader is told to search first. */
function readLibrary(root: string, ahead: readonly string[]): { path: string | null; version: string | null } {
  for (const folder of [...ahead, ...libraryFolders]) {
    const path = join(root, folder, LIBRARY);
    if (!existsSync(path)) continue;
    let real = path;
    try {
      real = realpathSync(path);
    } catch { /* a link to nowhere is found by loading it */ }
    const fromName = /libnvidia-ml\.so\.(\d+\.\d+(?:\.\d+)?)$/.exec(real)?.[1] ?? null;
    return { path: join('/', folder, LIBRARY), version: fromName };
  }
  return { path: null, version: null };
}

/** Everything that a driver leaves behind on a machine, under `root` (tests hand in a tree, which has no environment). Never throws. */
export function readDriverFacts(options: { readonly root?: string; readonly platform?: NodeJS.Platform } = {}): DriverFacts {
  const root = options.root ?? '/';
  const library = readLibrary(root, options.root === undefined ? (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/')) : []);
  const kernel = text(join(root, 'proc/sys/kernel/osrelease'))?.trim() ?? '';
  const moduleText = text(join(root, 'proc/driver/nvidia/version')) ?? '';
  const dkms = list(join(root, 'var/lib/dkms/nvidia')).find((v) => existsSync(join(root, 'var/lib/dkms/nvidia', v, kernel)));
  return {
    ...readMachineFacts({ root }),
    hardware: readHardwareFacts({ root, ...(options.platform === undefined ? {} : { platform: options.platform }) }),
    moduleVersion: /Kernel Module(?:\s+for\s+\S+)?\s+(\d+\.\d+(?:\.\d+)?)/.exec(moduleText)?.[1] ?? text(join(root, 'sys/module/nvidia/version'))?.trim() ?? null,
    moduleOnDisk: dkms ?? null,
    libraryPath: library.path,
    libraryVersion: library.version,
    deviceFiles: list(join(root, 'dev')).filter((f) => /^nvidia(\d+|ctl|-uvm)$/.test(f)).map((f) => ({ path: `/dev/${f}`, openable: canOpen(join(root, 'dev', f)) })),
    user: userName(),
  };
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? ''}`.trim();
  }
}

/** The questions that were asked and their answers, for the empty state. */
export function listFindings(facts: DriverFacts, nvmlCode: number | null): Finding[] {
  const { hardware } = facts;
  const count = hardware.pciDevices.length;
  const locked = facts.deviceFiles.filter((f) => !f.openable).length;
  const out: Finding[] = [];
  if (hardware.platform === 'linux') {
    if (!facts.wsl) out.push({ name: 'PCI bus', ok: count > 0, value: count === 0 ? 'no NVIDIA display device' : `${count} NVIDIA ${count === 1 ? 'device' : 'devices'}: ${hardware.pciDevices.join(', ')}`, place: '/sys/bus/pci/devices' });
    if (!facts.wsl) out.push({ name: 'Kernel module', ok: facts.moduleVersion !== null, value: facts.moduleVersion === null ? 'not loaded' : `${facts.moduleVersion}, loaded`, place: '/proc/driver/nvidia/version' });
    if (facts.moduleOnDisk !== null && facts.moduleOnDisk !== facts.moduleVersion) out.push({ name: 'Module on disk', ok: true, value: `${facts.moduleOnDisk}, used after a restart`, place: '/var/lib/dkms/nvidia' });
    if (facts.wsl) out.push({ name: 'WSL device', ok: hardware.dxg, value: hardware.dxg ? 'there' : 'missing', place: '/dev/dxg' });
    else out.push({ name: 'Device files', ok: facts.deviceFiles.length > 0 && locked === 0, value: facts.deviceFiles.length === 0 ? 'none' : locked === 0 ? `${facts.deviceFiles.length}, readable by you` : `${locked} of ${facts.deviceFiles.length} cannot be opened by ${facts.user}`, place: '/dev/nvidia*' });
    out.push({ name: 'Library', ok: facts.libraryPath !== null, value: facts.libraryPath === null ? `${LIBRARY} not found` : (facts.libraryVersion ?? 'there'), place: facts.libraryPath ?? 'usual library folders' });
  }
  if (nvmlCode !== null) out.push({ name: 'Driver', ok: nvmlCode === 0, value: nvmlCode === 0 ? 'answers' : `answers ${nvmlCode}: ${nvmlText(nvmlCode)}`, place: 'NVML' });
  out.push({ name: 'Container', ok: true, value: facts.inContainer ? 'yes' : 'no', place: '/proc/1' });
  return out;
}

/** Return codes of nvml.h that a driver gives when it does not answer. */
const nvmlTexts: Readonly<Record<number, string>> = {
  3: 'not supported', 4: 'no permission', 6: 'not found', 9: 'driver not loaded', 10: 'timeout', 12: 'library not found', 13: 'function not found', 15: 'GPU is lost', 16: 'reset required', 17: 'operating system blocked the call', 18: 'driver/library version mismatch', 999: 'unknown error',
};
export const nvmlText = (code: number): string => nvmlTexts[code] ?? `error ${code}`;

/**
 * What is wrong with a driver that does not answer, in words that can be acted on. `nvmlCode` is the library's own
 * answer, null when there was none. Null when nothing on this machine speaks against the driver.
 */
export function decideDriverProblem(facts: DriverFacts, nvmlCode: number | null): Problem | null {
  const { hardware } = facts;
  const linux = hardware.platform === 'linux';
  const present = hardware.pciDevices.length > 0 || hardware.deviceFiles.length > 0 || hardware.procDriver || hardware.dxg;
  const named = hardware.pciDevices.length > 0 ? `An NVIDIA GPU (${hardware.pciDevices.join(', ')})` : 'An NVIDIA GPU';
  const noDevice = facts.deviceFiles.length === 0;

  if (nvmlCode === 0) return null;
  if (!linux) {
    if (nvmlCode === null || nvmlCode === 12) return present ? makeProblem('gpu.no_driver', { hardware: named, library: 'nvml.dll' }) : makeProblem('gpu.none');
    return makeProblem('gpu.driver_error', { code: nvmlCode, text: nvmlText(nvmlCode), call: 'nvmlInit' });
  }
  if (nvmlCode === 18 || (facts.moduleVersion !== null && facts.libraryVersion !== null && facts.moduleVersion !== facts.libraryVersion && nvmlCode !== 4)) {
    return makeProblem('gpu.version_mismatch', { moduleVersion: facts.moduleVersion ?? 'unknown', libraryVersion: facts.libraryVersion ?? 'unknown' });
  }
  if (facts.wsl) {
    if (!hardware.dxg) return makeProblem('gpu.none');
    if (facts.libraryPath === null) return makeProblem('gpu.no_driver', { hardware: 'A GPU of Windows (/dev/dxg)', library: `/usr/lib/wsl/lib/${LIBRARY}` });
  } else if (facts.inContainer && (noDevice || facts.libraryPath === null)) {
    // The host's bus and module are seen from inside, what the runtime has to hand in is not.
    if (!present && facts.libraryPath === null) return makeProblem('gpu.none');
    const missing = noDevice && facts.libraryPath === null ? 'Neither the device files /dev/nvidia* nor the driver library is in this container.'
      : noDevice ? 'The driver library is in this container, but the device files /dev/nvidia* are not.'
        : `The device files are in this container, but the library ${LIBRARY} is not.`;
    return makeProblem('gpu.container', { detail: missing });
  }
  if (!present && facts.libraryPath === null) return makeProblem('gpu.none');
  if (facts.libraryPath === null) return makeProblem('gpu.no_driver', { hardware: named, library: LIBRARY });
  if (!facts.wsl && facts.moduleVersion === null && (nvmlCode === 9 || nvmlCode === null)) {
    if (!present) return makeProblem('gpu.none');
    return makeProblem('gpu.module_not_loaded', { libraryVersion: facts.libraryVersion ?? 'there', detail: facts.moduleOnDisk === null ? 'No built module was found for this kernel.' : `Module ${facts.moduleOnDisk} is built for this kernel.` });
  }
  const locked = facts.deviceFiles.filter((f) => !f.openable).map((f) => f.path);
  if (locked.length > 0 && (nvmlCode === 4 || nvmlCode === 9 || nvmlCode === 999 || nvmlCode === null)) return makeProblem('gpu.no_permission', { files: locked.join(', '), user: facts.user });
  if (nvmlCode === null) return null;
  if (nvmlCode === 9) return makeProblem('gpu.module_not_loaded', { libraryVersion: facts.libraryVersion ?? 'there', detail: facts.moduleVersion === null ? '' : `/proc names module ${facts.moduleVersion}.` });
  if (nvmlCode === 12 || nvmlCode === 13) return makeProblem('gpu.library_broken', { library: facts.libraryPath, detail: nvmlText(nvmlCode) });
  return makeProblem('gpu.driver_error', { code: nvmlCode, text: nvmlText(nvmlCode), call: 'nvmlInit' });
}
