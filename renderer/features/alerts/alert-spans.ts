import type { Alert, AlertKind } from '../../../contract/alerts.ts';

export const DAY_MS = 86_400_000;

/** The shape of a span, as under the clock chart: heat solid, slowdown striped, lost dashed, memory half height, errors a diamond. */
export type SpanShape = '' | 'hw' | 'lo' | 'me' | 'dr';

const shapes: Readonly<Record<AlertKind, SpanShape>> = { temperature: '', throttle_heat: '', throttle_hardware: 'hw', lost: 'lo', memory: 'me', xid: 'dr', ecc: 'dr', driver: 'dr', environment: 'dr' };

export interface AlertSpan {
  readonly id: string;
  readonly shape: SpanShape;
  /** Percent of the strip, from its right end: a span that is too short to see then grows to the left. */
  readonly right: number;
  readonly width: number;
  readonly title: string;
}

/** The spans of one row in the last 24 hours; `uuid` null: what belongs to no device. Pure. */
export function decideSpans(alerts: readonly Alert[], uuid: string | null, nowMs: number): readonly AlertSpan[] {
  const fromMs = nowMs - DAY_MS;
  return alerts
    .filter((a) => a.uuid === uuid && (a.endedMs ?? nowMs) > fromMs)
    .map((a) => {
      const start = Math.max(fromMs, a.sinceMs);
      const end = Math.min(nowMs, a.endedMs ?? nowMs);
      const right = ((nowMs - end) / DAY_MS) * 100;
      return { id: a.id, shape: shapes[a.kind], right, width: Math.max(0.1, ((end - start) / DAY_MS) * 100), title: a.title };
    });
}

/** Labels of the axis: every four hours on the hour. Pure but for the time zone. */
export function decideAxis(nowMs: number): readonly { readonly left: number; readonly text: string }[] {
  const out: { left: number; text: string }[] = [];
  const at = new Date(nowMs);
  at.setMinutes(0, 0, 0);
  at.setHours(at.getHours() - (at.getHours() % 4));
  for (let i = 0; i < 6; i++) {
    const left = 100 - ((nowMs - at.getTime()) / DAY_MS) * 100;
    // A label at the very edge would be cut off.
    if (left > 2 && left < 98) out.unshift({ left, text: `${at.getHours()}:00` });
    at.setHours(at.getHours() - 4);
  }
  return out;
}

/** `5 °C below slowdown by default · 6 times`. Pure. */
export function decideTimes(count: number | undefined, on: boolean): string | null {
  if (count === undefined) return null;
  return `${on ? '' : 'would be '}${count} ${count === 1 ? 'time' : 'times'}`;
}
