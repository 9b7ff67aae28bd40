import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';

export type SourceSpec =
  | { readonly kind: 'nvml' | 'smi' | 'none' }
  | { readonly kind: 'replay'; readonly path: string }
  | { readonly kind: 'simulate'; readonly count: number };

/** The word after --gpus; null when there was none. @throws ProblemError `gpu.unknown_source` */
export function parseSourceSpec(spec: string | null): SourceSpec | null {
  if (spec === null || spec === '') return null;
  if (spec === 'nvml' || spec === 'smi' || spec === 'none') return { kind: spec };
  if (spec.startsWith('replay:') && spec.length > 'replay:'.length) return { kind: 'replay', path: spec.slice('replay:'.length) };
  if (spec === 'simulate') return { kind: 'simulate', count: 4 };
  const count = /^simulate:(\d{1,2})$/.exec(spec);
  if (count !== null) {
    const n = Number(count[1]);
    if (n >= 1 && n <= 16) return { kind: 'simulate', count: n };
  }
  throw problemError('gpu.unknown_source', { spec: spec.slice(0, 200) });
}

/** How a spec is written again. */
export function formatSourceSpec(spec: SourceSpec): string {
  if (spec.kind === 'replay') return `replay:${spec.path}`;
  return spec.kind === 'simulate' ? `simulate:${spec.count}` : spec.kind;
}

/** What on this machine speaks for NVIDIA hardware. */
export interface HardwareFacts {
  readonly platform: NodeJS.Platform;
  /** PCI addresses of NVIDIA display devices (vendor 10de, class 03). */
  readonly pciDevices: readonly string[];
  readonly deviceFiles: readonly string[];
  readonly procDriver: boolean;
  /** WSL's way to the GPU of Windows. */
  readonly dxg: boolean;
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Looks for NVIDIA hardware under `root` (tests hand in a tree). Never throws. */
export function readHardwareFacts(options: { readonly root?: string; readonly platform?: NodeJS.Platform } = {}): HardwareFacts {
  const root = options.root ?? '/';
  const pci = join(root, 'sys/bus/pci/devices');
  return {
    platform: options.platform ?? process.platform,
    pciDevices: list(pci).filter((d) => text(join(pci, d, 'vendor')) === '0x10de' && text(join(pci, d, 'class')).startsWith('0x03')),
    deviceFiles: list(join(root, 'dev')).filter((f) => /^nvidia(\d+|ctl)$/.test(f)).map((f) => `/dev/${f}`),
    procDriver: existsSync(join(root, 'proc/driver/nvidia/version')),
    dxg: existsSync(join(root, 'dev/dxg')),
  };
}

/**
 * Where the readings come from. With NVIDIA hardware, or a sign of its driver, never simulated numbers: a driver
 * that does not answer is shown as that. On Windows the driver is always asked: there is no bus to look at from here.
 */
export function decideSource(asked: SourceSpec | null, facts: HardwareFacts): { readonly spec: SourceSpec; readonly explicit: boolean } {
  if (asked !== null) return { spec: asked, explicit: true };
  const present = facts.platform === 'win32' || facts.pciDevices.length > 0 || facts.deviceFiles.length > 0 || facts.procDriver || facts.dxg;
  return { spec: present ? { kind: 'nvml' } : { kind: 'simulate', count: 4 }, explicit: false };
}
