import type { GpuFeed } from '../../connection/gpu-feed.ts';
import { createLiveSeries, type LiveSeries } from '../../live-series/live-series.ts';
import type { View } from './view.ts';

/** What of the monitor outlives its page: the readings, and the window that was looked at. */
interface MonitorParts {
  readonly series: LiveSeries;
  view: View | null;
}

const partsOf = new WeakMap<GpuFeed, MonitorParts>();

/** One for each feed, filled from the first call on for as long as the feed lives. */
export function monitorParts(feed: GpuFeed): MonitorParts {
  const known = partsOf.get(feed);
  if (known) return known;
  const made: MonitorParts = { series: createLiveSeries(), view: null };
  feed.onFrame((item) => void made.series.ingest(item));
  partsOf.set(feed, made);
  return made;
}
