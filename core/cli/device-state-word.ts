import type { Device, DeviceSample } from '../../contract/gpu.ts';
import { throttleKind } from '../../contract/throttle.ts';

export interface StateWord {
  readonly level: 'fine' | 'attention' | 'problem' | 'unknown';
  readonly icon: string;
  readonly word: string;
}

const words = {
  fine: { level: 'fine', icon: '✓', word: 'fine' },
  heat: { level: 'attention', icon: '▲', word: 'slowed by heat' },
  hardware: { level: 'problem', icon: '✕', word: 'slowed by hw' },
  lost: { level: 'problem', icon: '✕', word: 'lost' },
  reset_required: { level: 'problem', icon: '✕', word: 'needs a reset' },
  not_answering: { level: 'problem', icon: '✕', word: 'no answer' },
  waiting: { level: 'unknown', icon: '·', word: 'waiting' },
} as const satisfies Readonly<Record<string, StateWord>>;

/** A device's state in an icon and a word. A power cap is normal at full load and is no trouble. */
export function decideStateWord(sample: DeviceSample | null): StateWord {
  if (sample === null) return words.waiting;
  if (sample.state !== 'ok') return words[sample.state];
  const kind = throttleKind(sample.fast?.eventReasons ?? null);
  return kind === 'heat' || kind === 'hardware' ? words[kind] : words.fine;
}

/** The limit in force: as read, else as the device said at the start. */
export const powerLimit = (device: Device, sample: DeviceSample | null): number | null => sample?.medium?.powerLimitWatts ?? device.powerLimitWatts;
