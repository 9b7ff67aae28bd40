import type { Device, Inventory, ProcessReading } from '../../../contract/gpu.ts';

export interface ProcessEvidence {
  readonly processBytes: ReadonlyMap<string, number> | null;
  readonly processUnknown: string | null;
}

/** What the driver's list of processes says of one pid. Pure. A process on a MIG instance may stand under its parent. */
export function decideProcessEvidence(reading: ProcessReading, inventory: Pick<Inventory, 'devices' | 'inContainer'>, pid: number | null): ProcessEvidence {
  const reason = reading.notReported['processes']?.text;
  if (reason !== undefined) return unknown(reason);
  const mine = reading.processes.filter((process) => process.pid === pid && (process.identity === 'local' || process.identity === 'foreign'));
  if (mine.length === 0) {
    if (reading.processes.some((process) => process.identity === 'host')) return unknown('The driver names processes by their numbers on the host, which this container cannot see.');
    if (inventory.inContainer) return unknown('In this container the driver does not name its processes.');
    return { processBytes: new Map(), processUnknown: null };
  }
  const bytes = new Map<string, number>();
  for (const process of mine) {
    if (process.memUsedBytes === null) return unknown(reading.notReported['memUsedBytes']?.text ?? 'This driver does not report the memory of single processes.');
    for (const uuid of [process.gpuUuid, ...inventory.devices.filter((device: Device) => device.parentUuid === process.gpuUuid).map((device) => device.uuid)]) {
      // Listed as compute and as graphics it is the same memory.
      bytes.set(uuid, Math.max(process.memUsedBytes, bytes.get(uuid) ?? 0));
    }
  }
  return { processBytes: bytes, processUnknown: null };
}

function unknown(processUnknown: string): ProcessEvidence {
  return { processBytes: null, processUnknown };
}
