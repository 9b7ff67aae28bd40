import { z } from 'zod';
import { device, driverInfo, gpuFrame, rawProcess, notReportedReason } from './gpu.ts';
import { problem } from './problem.ts';

/** What every GPU source (the nvml worker, smi, replay, simulate) tells the engine. */
export const sourceEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('devices'), driver: driverInfo, devices: z.array(device) }),
  z.object({ type: z.literal('frame'), frame: gpuFrame }),
  z.object({ type: z.literal('processes'), atMs: z.number(), processes: z.array(rawProcess), notReported: z.record(z.string(), notReportedReason) }),
  z.object({ type: z.literal('problem'), problem: problem.nullable() }),
  z.object({ type: z.literal('rate'), rateHz: z.number(), note: z.string().nullable() }),
  z.object({ type: z.literal('xid'), uuid: z.string().nullable(), xid: z.int(), atMs: z.number() }),
]);
export type SourceEvent = z.infer<typeof sourceEvent>;

/** Operations of the nvml worker (`call` messages): what the engine wants read, and how often. */
export const demand = z.object({
  /** Readings a second of the fast tier: 10 while watched or recorded, else 1, 0.2 in the tray. */
  rateHz: z.number().min(0.1).max(10),
  /** Read the process list every two seconds. */
  processes: z.boolean(),
});
export type Demand = z.infer<typeof demand>;
