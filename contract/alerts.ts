import { z } from 'zod';

export const alertKind = z.enum(['temperature', 'memory', 'throttle_heat', 'throttle_hardware', 'lost', 'xid', 'ecc', 'driver', 'environment']);
export type AlertKind = z.infer<typeof alertKind>;

export const alert = z.object({
  id: z.string(),
  kind: alertKind,
  severity: z.enum(['attention', 'problem']),
  uuid: z.string().nullable(),
  deviceName: z.string().nullable(),
  /** What is. */
  title: z.string(),
  /** Why, and what to do. */
  text: z.string(),
  value: z.string().nullable(),
  sinceMs: z.number(),
  /** null while it is open. */
  endedMs: z.number().nullable(),
  quietUntilMs: z.number().nullable(),
});
export type Alert = z.infer<typeof alert>;

export const alertsState = z.object({ open: z.array(alert), over: z.array(alert) });
export type AlertsState = z.infer<typeof alertsState>;

/** How often each threshold would have fired in the last `days` days, by kind. */
export const alertPreview = z.object({ days: z.number(), counts: z.partialRecord(alertKind, z.int()) });
export type AlertPreview = z.infer<typeof alertPreview>;
