import { z } from 'zod';
import { metricKeys } from './metrics.ts';

export const metricKey = z.enum(metricKeys);
/** `raw` as read (10 min), `second` (a day), `minute` (a year). */
export const resolution = z.enum(['raw', 'second', 'minute']);
export type Resolution = z.infer<typeof resolution>;

export const historyQuery = z.strictObject({
  fromMs: z.number(),
  toMs: z.number(),
  uuids: z.array(z.string()).max(64).optional(),
  metrics: z.array(metricKey).optional(),
  /** Points per series at most; finer data are joined (mean, highest, or bits, by metric). */
  maxPoints: z.int().min(2).max(20_000).default(1200),
});
export type HistoryQuery = z.infer<typeof historyQuery>;

/** Columns: `times[i]` belongs to `series[metric][i]`. A gap longer than three steps stands as a null. */
export const historySeries = z.object({
  uuid: z.string(),
  resolution,
  stepMs: z.number(),
  times: z.array(z.number()),
  series: z.partialRecord(metricKey, z.array(z.number().nullable())),
});
export type HistorySeries = z.infer<typeof historySeries>;

export const historyEvent = z.object({
  id: z.int(),
  atMs: z.number(),
  kind: z.enum(['driver', 'source', 'alert', 'gap', 'xid', 'setting', 'note']),
  uuid: z.string().nullable(),
  text: z.string(),
});
export type HistoryEvent = z.infer<typeof historyEvent>;

export const historyStatus = z.object({
  state: z.enum(['on', 'off', 'read_only', 'failed']),
  reason: z.string().nullable(),
  sizeBytes: z.number(),
  sizeCapBytes: z.number(),
  oldestMs: z.number().nullable(),
  rows: z.object({ raw: z.number(), second: z.number(), minute: z.number() }),
});
export type HistoryStatus = z.infer<typeof historyStatus>;
