import type { Device } from '../../../contract/gpu.ts';
import { throttleKind } from '../../../contract/throttle.ts';
import type { LatestOfDevice } from '../../live-series/live-series.ts';
import type { StateKind } from '../../ui/state-mark.tsx';

/** The word at the right of a card's name, and what it means. */
export interface CardState {
  readonly kind: StateKind;
  readonly word: string;
  /** What is, why, what to do; null where the word says it all. */
  readonly advice: string | null;
  /** The readings on the card are old: it is drawn grey. */
  readonly gone: boolean;
}

/** As in the alert's default: this near to its slowdown temperature a device is called hot. */
const NEAR_SLOWDOWN_CELSIUS = 5;

const fine: CardState = { kind: 'fine', word: 'fine', advice: null, gone: false };

/**
 * What a card says of its device. `recentMask`: all event reasons of the last seconds, so that a word does not flicker
 * with a driver that toggles.
 */
export function decideCardState(device: Device, latest: LatestOfDevice | null, recentMask: number): CardState {
  if (latest === null) return { kind: 'pending', word: 'waiting for a reading', advice: null, gone: false };
  if (latest.state === 'lost') {
    return { kind: 'problem', word: 'lost', gone: true, advice: 'The driver says that this GPU has fallen off the bus. Save your work and restart; if it returns, check power cables, slot and the kernel log for Xid 79.' };
  }
  if (latest.state === 'reset_required') {
    return { kind: 'problem', word: 'needs a reset', gone: true, advice: 'The driver asks for a reset of this GPU. End the programs on it and restart the machine, or run nvidia-smi --gpu-reset.' };
  }
  if (latest.state === 'not_answering') {
    return { kind: 'problem', word: 'not answering', gone: true, advice: 'The driver does not answer for this GPU. It is asked again by itself; if this goes on, look at the kernel log for NVRM and restart.' };
  }
  const kind = throttleKind(recentMask);
  if (kind === 'hardware') return { kind: 'problem', word: 'hardware slowdown', advice: null, gone: false };
  if (kind === 'heat') return { kind: 'attention', word: 'slowed by heat', advice: null, gone: false };
  const temp = latest.medium?.tempCelsius ?? null;
  if (temp !== null && device.tempSlowdownCelsius !== null && temp >= device.tempSlowdownCelsius - NEAR_SLOWDOWN_CELSIUS) return { kind: 'attention', word: 'hot', advice: null, gone: false };
  return fine;
}

/** Whether the temperature is drawn as trouble. */
export function isHot(device: Device, tempCelsius: number | null): boolean {
  return tempCelsius !== null && device.tempSlowdownCelsius !== null && tempCelsius >= device.tempSlowdownCelsius - NEAR_SLOWDOWN_CELSIUS;
}
