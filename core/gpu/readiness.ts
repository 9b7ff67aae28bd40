import type { GpuStreamItem, Inventory } from '../../contract/gpu.ts';
import type { ReadinessLine } from '../../contract/system.ts';
import { throttleKind } from '../../contract/throttle.ts';
import type { LatestSample } from './latest-samples.ts';

const shortVersion = (version: string): string => version.split('.').slice(0, 2).join('.');
const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

/**
 * The GPU line at the top of the monitor. Lines for PyTorch and Chat come with their parts.
 * `latest` holds the newest sample by UUID.
 */
export function decideGpuReadiness(inventory: Inventory, latest: ReadonlyMap<string, Pick<LatestSample, 'sample'>>): ReadinessLine {
  const line = (state: ReadinessLine['state'], text: string, action: ReadinessLine['action'] = null): ReadinessLine => ({ area: 'gpu', state, text, action });
  const gpus = inventory.devices.filter((d) => d.kind === 'gpu');
  if (inventory.state === 'starting') return line('unknown', 'Looking for GPUs.');
  if (inventory.state === 'stopped') return line('unknown', 'The engine ends.');
  if (inventory.state === 'problem' && inventory.problem !== null) {
    const { problem } = inventory;
    if (problem.code === 'gpu.none') return line('attention', 'No NVIDIA GPU in this machine. Environments, Chat and Models work on the CPU.', { label: 'Look again', place: 'operation:gpus.refresh' });
    return line('problem', `${problem.title}. ${problem.cause}`, { label: 'What to do', place: 'page:monitor' });
  }
  const lost = gpus.filter((d) => { const state = latest.get(d.uuid)?.sample.state; return state !== undefined && state !== 'ok'; });
  const hot = gpus.filter((d) => { const kind = throttleKind(latest.get(d.uuid)?.sample.fast?.eventReasons ?? null); return kind === 'heat' || kind === 'hardware'; });
  const what = inventory.source === 'simulate' ? `${count(gpus.length, 'simulated device')}: no reading comes from a real GPU`
    : inventory.source === 'replay' ? `${count(gpus.length, 'device')} from a recording`
      : inventory.driver.driverVersion === null ? count(gpus.length, 'device') : `Driver ${shortVersion(inventory.driver.driverVersion)}, ${count(gpus.length, 'device')}`;
  const names = (list: typeof gpus): string => list.map((d) => d.name.replace(/^NVIDIA (GeForce )?/, '')).join(', ');
  if (lost.length > 0) return line('problem', `${what}. ${names(lost)} ${lost.length === 1 ? 'does' : 'do'} not answer.`, { label: 'Show', place: 'page:alerts' });
  if (hot.length > 0) return line('attention', `${what}. ${names(hot)} ${hot.length === 1 ? 'is' : 'are'} slowed by heat or hardware.`, { label: 'Show', place: 'page:alerts' });
  if (inventory.simulated) return line('attention', `${what}.`, inventory.source === 'simulate' ? { label: 'Look again', place: 'operation:gpus.refresh' } : null);
  if (inventory.source === 'smi') return line('attention', `${what}, read through nvidia-smi once a second.`);
  return line('fine', `${what}, fine.`);
}

/** True when an item may change the readiness line: used to look again without a timer of its own. */
export function touchesReadiness(item: GpuStreamItem): boolean {
  return item.type === 'gap' || item.frame.samples.some((s) => s.state !== 'ok' || s.medium !== undefined);
}
