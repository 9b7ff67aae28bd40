import type { Inventory } from '../../contract/gpu.ts';
import { decideStateWord, powerLimit } from './device-state-word.ts';
import { cleanText } from './display-width.ts';
import { formatCelsius, formatMemory, formatMhz, formatPcie, formatPercent, formatPower, NOT_REPORTED, shortDeviceName } from './format-values.ts';
import type { DeviceReading } from './read-devices.ts';
import { renderTable, type TableColumn } from './text-table.ts';

const columns: readonly TableColumn[] = [
  { title: 'GPU', align: 'right' },
  { title: 'NAME', shrinkTo: 12 },
  { title: 'STATE' },
  { title: 'UTIL', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'POWER', align: 'right' },
  { title: 'TEMP', align: 'right' },
  { title: 'SM CLOCK', align: 'right', dropOrder: 1 },
  { title: 'PCIe', align: 'right', dropOrder: 2 },
];

/** One line about driver and source. That devices are not this machine's is said here and cannot be switched off. */
export function describeSource(inventory: Inventory): string {
  const { driver } = inventory;
  const parts = [
    // A simulated driver has no version worth a word.
    ...(inventory.source === 'simulate' ? [] : [`driver ${driver.driverVersion === null ? NOT_REPORTED : cleanText(driver.driverVersion)}`]),
    ...(driver.cudaVersion === null ? [] : [`CUDA ${cleanText(driver.cudaVersion)}`]),
    `${String(inventory.devices.length)} ${inventory.devices.length === 1 ? 'device' : 'devices'}`,
    `source ${cleanText(inventory.sourceSpec)}`,
  ];
  const not = inventory.simulated ? `. ${inventory.source === 'replay' ? 'Replayed from a recording' : 'Simulated'}: not this machine's GPUs` : '';
  return `${parts.join(' · ')}${not}${inventory.rateNote === null ? '' : `. ${cleanText(inventory.rateNote)}`}`;
}

export function deviceRow({ device, sample }: DeviceReading): readonly string[] {
  const state = decideStateWord(sample);
  const fast = sample?.fast ?? null;
  const medium = sample?.medium ?? null;
  return [
    String(device.index), cleanText(shortDeviceName(device.name)), `${state.icon} ${state.word}`, formatPercent(fast?.utilGpuPercent ?? null),
    formatMemory(medium?.memUsedBytes ?? null, device.memTotalBytes), formatPower(fast?.powerWatts ?? null, powerLimit(device, sample)),
    formatCelsius(medium?.tempCelsius ?? null), formatMhz(fast?.clockSmMhz ?? null), formatPcie(medium?.pcieGen ?? null, medium?.pcieWidth ?? null),
  ];
}

export function renderDevices(inventory: Inventory, readings: readonly DeviceReading[], room: number | null): readonly string[] {
  return [...(readings.length > 0 ? [...renderTable(columns, readings.map(deviceRow), room), ''] : []), describeSource(inventory)];
}
