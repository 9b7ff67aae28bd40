/** GPUs side by side: what one build or one driver cannot serve together. Pure. */
import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { compareWheels, listWheels, wheelServes, type WheelRow } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions } from './architecture-rules.ts';
import { wheelName } from './remedies.ts';

/** The newest build that serves all of them as they stand; rows that nobody verified come last. */
export function newestWheelForAll(targets: readonly GpuTarget[], driver: Pick<DriverFacts, 'platform'>, tables: Tables, allowed: (row: WheelRow) => boolean = () => true): WheelRow | null {
  return listWheels(tables.wheels, driver.platform).filter((w) => allowed(w) && targets.every((t) => wheelServes(w, t.computeCapability) === 'native')).sort(compareWheels)[0] ?? null;
}

/** Sentences about these GPUs together; empty for one GPU, or where they go together. */
export function decideMixedNotes(targets: readonly GpuTarget[], driver: DriverFacts, tables: Tables): string[] {
  const known = targets.filter((t) => t.computeCapability !== null);
  if (new Set(known.map((t) => t.computeCapability)).size < 2) return [];
  const notes: string[] = [];
  const modules = (t: GpuTarget): string => tables.gpus.capabilities[t.computeCapability ?? '']?.openModules ?? 'either';
  const open = known.filter((t) => modules(t) === 'required'), closed = known.filter((t) => modules(t) === 'impossible');
  if (driver.platform !== 'windows_x86_64' && !driver.wsl && open.length > 0 && closed.length > 0) {
    notes.push(`${names(open)} and ${names(closed)} cannot share one Linux machine: the first needs the open kernel modules, the second runs only with the proprietary ones.`);
  }
  const last = [...new Set(closed.map((t) => tables.gpus.capabilities[t.computeCapability ?? '']?.lastDriverBranch).flatMap((b) => (b === null || b === undefined || b.c === 'U' ? [] : [b.branch])))].sort(compareVersions)[0];
  if (last !== undefined && open.length === 0) notes.push(`Stay on driver branch R${last} or older: it is the last that drives ${names(closed)}.`);
  const served = known.filter((t) => listWheels(tables.wheels, driver.platform).some((w) => wheelServes(w, t.computeCapability) === 'native'));
  if (served.length < 2) return notes;
  const together = newestWheelForAll(served, driver, tables);
  if (together === null) notes.push(`No official build serves ${names(served)} together: use one environment for each.`);
  else {
    const newest = listWheels(tables.wheels, driver.platform).at(-1)?.release;
    if (newest !== undefined && compareVersions(together.release, newest) < 0) notes.push(`The newest build that serves ${names(served)} together is ${wheelName(together, tables)}${together.confidence === 'U' ? ', which nobody verified' : ''}.`);
  }
  return notes;
}

function names(targets: readonly GpuTarget[]): string {
  const all = [...new Set(targets.map((t) => t.name))];
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
