import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Device } from '../../../contract/gpu.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { GpuTarget } from '../../../contract/verdict.ts';
import { architectureNumber, isTegraCapability, parseCapability } from '../verdict/architecture-rules.ts';
import { boardOf, capabilityOfName, indexNames, keyOfName, listNames, longestName, nearNames } from './gpu-names.ts';

const confidence = z.enum(['M', 'D', 'U']);
const capabilityRow = z.object({
  architecture: z.string(),
  /** Integrated in a Tegra chip: shares no compiled code with discrete GPUs. */
  tegra: z.boolean(),
  /** Null: older than every driver that a build of today asks for. */
  firstDriver: z.object({ atLeast: z.string(), c: confidence, note: z.string() }).nullable(),
  /** The newest driver branch that drives it; null: the current one does. */
  lastDriverBranch: z.object({ branch: z.string(), c: confidence }).nullable(),
  /** NVIDIA's open kernel modules on Linux. */
  openModules: z.enum(['required', 'impossible', 'either']),
});
export type CapabilityRow = z.infer<typeof capabilityRow>;

/** resources/data/gpu-architectures.json. */
export const gpuTable = z.object({
  _about: z.object({ what: z.string(), asOf: z.string(), sources: z.record(z.string(), z.string()), keys: z.string() }),
  /** By compute capability, `12.0`. */
  capabilities: z.record(z.string(), capabilityRow),
  /** Product names by compute capability. */
  boards: z.record(z.string(), z.array(z.string())),
  /** Names that several products bear, and what may be meant. */
  ambiguous: z.record(z.string(), z.array(z.string())),
});
export type GpuTable = z.infer<typeof gpuTable>;

/** @throws when the shipped file does not fit: a fault of the build, found by its test. */
export async function readGpuTable(resources: string): Promise<GpuTable> {
  return gpuTable.parse(JSON.parse(await readFile(join(resources, 'data', 'gpu-architectures.json'), 'utf8')));
}

/** Place of a fact of this table, for evidence. */
export const gpuTablePlace = (table: GpuTable, capability: string): string => `gpu-architectures.json, ${capability}, ${table._about.asOf}`;

/**
 * A GPU as people name it: `RTX 5090`, `NVIDIA GeForce RTX 5090`, `5090`, `rtx5090`; a capability `12.0`; an
 * architecture `sm_120`, `sm_120a`, `compute_120`. Of an architecture, a suffix is about code and not about the GPU.
 * @throws gpu.unknown_name with what is near it.
 */
export function parseGpuName(text: string, table: GpuTable): GpuTarget {
  const given = text.trim();
  const capability = given.length > longestName ? null : capabilityOfName(given, table);
  if (capability !== null) return { key: given, name: `compute capability ${capability}`, computeCapability: capability, index: null, tegra: isTegraCapability(capability), source: 'given' };
  const key = given.length > longestName ? '' : keyOfName(given), { ambiguous } = indexNames(table);
  const meant = ambiguous.get(key) ?? ambiguous.get(`rtx${key}`);
  if (meant !== undefined) throw unknownName(given, `Several GPUs bear that name. Say which: ${listNames(meant)}.`);
  const board = key === '' ? null : boardOf(key, table);
  if (board === null) throw unknownName(given, nearNames(key, given, table));
  const laptop = /\b(laptop|mobile|notebook|max.?q)\b/i.test(given) && !/workstation/i.test(given) ? ' Laptop' : '';
  return { key: given, name: `${board.name}${laptop}`, computeCapability: board.capability, index: null, tegra: isTegraCapability(board.capability), source: 'table' };
}

const unknownName = (given: string, remedy: string): Error => problemError('gpu.unknown_name', { name: given.length > longestName ? `${given.slice(0, longestName)}…` : given, remedy });

/**
 * The GPUs of this machine as targets, in the driver's order. A GPU that is split by MIG is left out while an instance
 * of it is listed: work runs on instances only. An instance without a capability of its own has that of its parent.
 */
export function targetsFromDevices(devices: readonly Device[]): GpuTarget[] {
  const byUuid = new Map(devices.map((d) => [d.uuid, d]));
  const split = new Set(devices.filter((d) => d.kind === 'mig' && d.parentUuid !== null).map((d) => d.parentUuid));
  return devices.filter((d) => !(d.kind === 'gpu' && split.has(d.uuid))).map((d) => {
    const parent = d.parentUuid === null ? undefined : byUuid.get(d.parentUuid);
    const capability = usable(d.computeCapability) ?? usable(parent?.computeCapability ?? null);
    return { key: d.uuid, name: d.name, computeCapability: capability, index: d.index, tegra: isTegraCapability(capability), source: 'driver' };
  });
}

/** A capability as `12.0`; null for what is none, so that garbage of a driver judges nothing. */
function usable(text: string | null): string | null {
  const parsed = text === null ? null : parseCapability(text);
  return parsed === null || architectureNumber(parsed) === 0 ? null : `${parsed.major}.${parsed.minor}`;
}
