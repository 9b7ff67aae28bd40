import { z } from 'zod';
import { problem } from './problem.ts';

export const webStatus = z.object({ on: z.boolean(), url: z.string().nullable(), host: z.string().nullable(), port: z.int().nullable(), secure: z.boolean() });
export type WebStatus = z.infer<typeof webStatus>;

export const engineInfo = z.object({
  version: z.string(),
  pid: z.int(),
  startedAtMs: z.number(),
  dataDir: z.string(),
  sourceSpec: z.string(),
  /** True when `serve` started it: it stays until stopped. */
  stays: z.boolean(),
  /** True when it keeps nothing on disk (a command with its own --gpus). */
  ephemeral: z.boolean(),
  node: z.string(),
  platform: z.string(),
  hostName: z.string(),
  inContainer: z.boolean(),
  wsl: z.boolean(),
});
export type EngineInfo = z.infer<typeof engineInfo>;

export const workerStatus = z.object({
  name: z.string(),
  state: z.enum(['idle', 'starting', 'ready', 'unresponsive', 'backoff', 'failed', 'stopping']),
  pid: z.int().nullable(),
  restarts: z.int(),
  problem: problem.nullable(),
  rssBytes: z.number().nullable(),
});
export type WorkerStatus = z.infer<typeof workerStatus>;

/** Once a second to the faces: what the bottom strip shows. */
export const engineStatus = z.object({
  atMs: z.number(),
  /** Share of one core that engine and workers used since the last status, percent. */
  cpuPercent: z.number(),
  rssBytes: z.number(),
  faces: z.int(),
  jobsRunning: z.int(),
  workers: z.array(workerStatus),
  web: webStatus,
  history: z.enum(['on', 'off', 'read_only', 'failed']),
  notices: z.array(problem),
});
export type EngineStatus = z.infer<typeof engineStatus>;

/** Lines at the top of Monitor until all is green. Areas are filled as their parts arrive. */
export const readinessLine = z.object({
  area: z.enum(['gpu', 'pytorch', 'chat']),
  state: z.enum(['fine', 'attention', 'problem', 'unknown']),
  text: z.string(),
  action: z.object({ label: z.string(), place: z.string() }).nullable(),
});
export type ReadinessLine = z.infer<typeof readinessLine>;

export const recordingInfo = z.object({ name: z.string(), path: z.string(), sizeBytes: z.number(), atMs: z.number() });
export type RecordingInfo = z.infer<typeof recordingInfo>;

export const simulatedFault = z.discriminatedUnion('fault', [
  z.object({ fault: z.literal('lost'), uuid: z.string() }),
  z.object({ fault: z.literal('hot'), uuid: z.string() }),
  z.object({ fault: z.literal('not_reported'), uuid: z.string(), field: z.string() }),
  z.object({ fault: z.literal('driver_mismatch') }),
  z.object({ fault: z.literal('xid'), uuid: z.string(), xid: z.int() }),
  z.object({ fault: z.literal('none') }),
]);
export type SimulatedFault = z.infer<typeof simulatedFault>;
