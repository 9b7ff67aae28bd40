import { z } from 'zod';
import { device, driverInfo, provenance } from './gpu.ts';

/**
 * A recording is JSON Lines. The first line is this header; each further line is a `sourceEvent`
 * (nvml-worker.ts) with `dt`, milliseconds since the recording began. Frames carry times of the recording.
 */
export const RECORDING_VERSION = 1;
export const recordingHeader = z.object({
  kind: z.literal('warpdeck-recording'),
  schemaVersion: z.int(),
  app: z.string(),
  recordedAtMs: z.number(),
  driver: driverInfo,
  devices: z.array(device),
  provenance,
});
export type RecordingHeader = z.infer<typeof recordingHeader>;
