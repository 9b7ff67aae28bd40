import { decodeThrottle } from '../../../contract/throttle.ts';

/** The keys of all reasons in a mask, for a file: `software_power_cap;software_thermal`. */
export function reasonWords(mask: number): string {
  return decodeThrottle(mask).map((r) => r.key).join(';');
}
