import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

/** What this machine gives to a model that runs on its processor. */
export interface Machine {
  readonly cpuName: string;
  /** Cores without their second threads, within what this process may use. */
  readonly physicalCores: number;
  readonly logicalCores: number;
  readonly memoryBytes: number;
  /** Free for a new program, the file cache included, within a container's limit. */
  readonly freeBytes: number;
}

/** Reads cores and memory as they are now. Never throws. */
export function readMachine(): Machine {
  const logicalCores = availableParallelism();
  const limit = process.constrainedMemory();
  const total = totalmem();
  return {
    cpuName: cpus()[0]?.model.trim() ?? 'Processor',
    physicalCores: Math.max(1, Math.min(readPhysicalCores(), logicalCores)),
    logicalCores,
    // Without a limit it is 0, or a number beyond any memory.
    memoryBytes: limit > 0 && limit < total ? limit : total,
    freeBytes: Math.max(0, Math.min(freemem(), process.availableMemory())),
  };
}

const FOLDER = '/sys/devices/system/cpu';

/** Cores by the kernel's topology; elsewhere half of the threads on x86, whose cores mostly have two. */
function readPhysicalCores(): number {
  if (process.platform === 'linux') {
    try {
      const siblings = new Set<string>();
      for (const name of readdirSync(FOLDER)) if (/^cpu\d+$/.test(name)) siblings.add(readFileSync(`${FOLDER}/${name}/topology/thread_siblings_list`, 'utf8'));
      if (siblings.size > 0) return siblings.size;
    } catch {
      // No topology here (a sandbox): the count of threads has to do.
    }
  }
  return process.arch === 'x64' && process.platform !== 'linux' ? Math.ceil(availableParallelism() / 2) : availableParallelism();
}
