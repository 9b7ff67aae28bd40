import type { EnvironmentXray } from '../../../contract/environments.ts';
import type { Forecast, GpuTarget } from '../../../contract/verdict.ts';
import { defaultWheel, listReleases, listWheels, newestWheelFor, releaseOf, wheelServes, versionOfWheel, wheelPlace, type Platform } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions } from './architecture-rules.ts';

/**
 * Whether a plain upgrade or the next release takes the GPU away. Null where it does not, where the GPU is in no build
 * anyway, where the newest release is installed, or where there is no torch with CUDA to upgrade.
 * Windows: the default there is a CPU build in every release, so only the builds with CUDA are looked at.
 */
export function decideForecast(target: GpuTarget, xray: EnvironmentXray | null, platform: Platform, tables: Tables): Forecast | null {
  const wheels = tables.wheels, last = newestWheelFor(wheels, platform, target);
  if (last === null || (xray !== null && xray.torch?.build !== 'cuda')) return null;
  const installed = xray === null ? null : releaseOf(xray.torch?.version ?? '');
  if (xray !== null && installed === null) return null;
  const later = listReleases(wheels, platform).filter((r) => installed === null || compareVersions(r, installed) > 0);
  const newest = later.at(-1);
  if (newest === undefined) return null;
  const served = (release: string): boolean => listWheels(wheels, platform).some((w) => w.release === release && wheelServes(w, target.computeCapability) !== null);
  const lastGood = versionOfWheel(wheels, last);
  if (!served(newest)) {
    const gone = later.find((r) => compareVersions(r, last.release) > 0) ?? newest;
    const here = installed !== null && compareVersions(installed, last.release) >= 0;
    const what = here ? `This is the last release with kernels for ${target.name}: torch ${gone} has none` : `torch ${gone} and later have no kernels for ${target.name}`;
    return { text: `${what}. Stay on ${lastGood}.`, lastGood, dropsAt: gone, place: placeOf(platform, gone, tables) };
  }
  const plain = defaultWheel(wheels, platform, newest);
  if (plain === null || wheelServes(plain, target.computeCapability) !== null) return null;
  const from = later.find((r) => { const row = defaultWheel(wheels, platform, r); return row !== null && wheelServes(row, target.computeCapability) === null; }) ?? newest;
  return { text: `A plain upgrade takes ${target.name} away: the default build of torch ${newest} (${plain.label}) has no kernels for it. Name the build: ${lastGood}.`, lastGood, dropsAt: from, place: placeOf(platform, from, tables) };
}

function placeOf(platform: Platform, release: string, tables: Tables): string {
  const labels = listWheels(tables.wheels, platform).filter((w) => w.release === release).map((w) => w.label);
  return wheelPlace(tables.wheels, `${platform} ${release} ${labels.join(' ')}`.trim());
}
