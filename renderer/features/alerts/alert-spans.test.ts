import { describe, expect, it } from 'vitest';
import type { Alert, AlertKind } from '../../../contract/alerts.ts';
import { DAY_MS, decideAxis, decideSpans, decideTimes } from './alert-spans.ts';
import { withoutException } from './exceptions.tsx';
import { decideTemperatureWords } from './thresholds.tsx';

const now = new Date(2026, 10, 21, 14, 30).getTime();
const alert = (kind: AlertKind, sinceMs: number, endedMs: number | null, uuid: string | null = 'a'): Alert => ({ id: kind, kind, severity: 'problem', uuid, deviceName: null, title: kind, text: '', value: null, sinceMs, endedMs, quietUntilMs: null });

describe('decideSpans', () => {
  it('places an hour by its end', () => {
    expect(decideSpans([alert('throttle_heat', now - DAY_MS / 2, now - DAY_MS / 4)], 'a', now)).toEqual([{ id: 'throttle_heat', shape: '', right: 25, width: 25, title: 'throttle_heat' }]);
  });
  it('an open one reaches to now, an older one is cut at the edge', () => {
    expect(decideSpans([alert('lost', now - 2 * DAY_MS, null)], 'a', now)[0]).toMatchObject({ shape: 'lo', right: 0, width: 100 });
  });
  it('leaves out what ended before, and what is of others', () => {
    expect(decideSpans([alert('memory', now - 3 * DAY_MS, now - 2 * DAY_MS), alert('xid', now - 1000, null, 'b')], 'a', now)).toEqual([]);
  });
});

it('the axis stands at every fourth hour, none at the edge', () => {
  expect(decideAxis(now).map((l) => l.text)).toEqual(['16:00', '20:00', '0:00', '4:00', '8:00', '12:00']);
});

it.each([[undefined, true, null], [1, true, '1 time'], [3, false, 'would be 3 times'], [0, true, '0 times']])('%s times, on %s: %s', (count, on, text) => {
  expect(decideTimes(count, on)).toBe(text);
});

it('says which temperature counts by default', () => {
  expect(decideTemperatureWords(null, [{ tempSlowdownCelsius: 90 }, { tempSlowdownCelsius: 87 }, { tempSlowdownCelsius: null }])).toBe('5 °C below slowdown: 82 to 85 °C');
  expect(decideTemperatureWords(null, [])).toBe('5 °C below slowdown by default');
  expect(decideTemperatureWords(80, [])).toBe('The same for every GPU');
});

it('removes one exception and keeps the others', () => {
  expect(withoutException({ a: { celsius: 80 }, b: {} }, 'a')).toEqual({ b: {} });
});
