import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import type { LaunchPlan } from '../../../contract/optimize.ts';
import { nameToggle } from '../toggles/all-toggles.ts';

/** A line of the hook (resources/python/hook/warpdeck_optimize.py). */
const reportLine = z.object({
  pid: z.int(),
  state: z.enum(['off', 'started', 'applied', 'already', 'left', 'failed']),
  toggle: z.string().max(60).nullable(),
  value: z.string().max(200).nullable(),
  why: z.string().max(400).nullable(),
});
type ReportLine = z.infer<typeof reportLine>;

/** The hook stops writing there; a line that was begun before may end behind it. */
const MAX_BYTES = 300_000;
const MAX_LINES = 5000;

/** What the hook wrote into the launcher's file. What does not fit is passed over. */
export async function readLaunchReport(path: string): Promise<readonly ReportLine[]> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!(await handle.stat()).isFile()) return [];
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return parseLaunchReport(buffer.toString('utf8', 0, bytesRead));
  } finally {
    await handle.close();
  }
}

function parseLaunchReport(text: string): readonly ReportLine[] {
  return text.split('\n').slice(0, MAX_LINES).flatMap((line) => {
    try {
      return reportLine.safeParse(JSON.parse(line)).data ?? [];
    } catch {
      return [];
    }
  });
}

export interface LaunchOutcome {
  /** Held in at least one process, and failed in none. */
  readonly held: readonly string[];
  readonly dropped: LaunchPlan['dropped'];
  /** One sentence where nothing came of it at all. */
  readonly note: string | null;
}

/** What became of the toggles that the hook was to set, over all processes. Pure. */
export function decideLaunchOutcome(plan: Pick<LaunchPlan, 'variables' | 'toggles'>, lines: readonly ReportLine[]): LaunchOutcome {
  const inside = parseWishes(plan.variables['WARPDECK_OPTIMIZE_TOGGLES']);
  const held: string[] = [];
  const dropped: LaunchPlan['dropped'] = [];
  const started = lines.some((one) => one.state === 'started');
  const off = lines.some((one) => one.state === 'off');
  const imported = lines.some((one) => one.toggle !== null);
  for (const chosen of plan.toggles) {
    const own = lines.filter((one) => one.toggle === chosen.toggleId);
    const failed = own.find((one) => one.state === 'failed' || one.state === 'left');
    if (failed !== undefined) dropped.push({ toggleId: chosen.toggleId, why: `${nameToggle(chosen)}: ${failed.why ?? 'it failed'}` });
    else if (own.length > 0 || !inside.has(chosen.toggleId)) held.push(chosen.toggleId);
  }
  const note = inside.size === 0 || imported ? null
    : off ? 'WARPDECK_OPTIMIZE=0 is set: nothing was switched.'
    : started ? 'The program did not import PyTorch: nothing was switched in it.'
    : 'No Python that could be reached was started (or one with -I, -E or -S): nothing was switched in it.';
  return { held, dropped, note };
}

function parseWishes(text: string | undefined): ReadonlySet<string> {
  const parsed = z.array(z.tuple([z.string(), z.string()])).safeParse(text === undefined ? [] : JSON.parse(text));
  return new Set(parsed.data?.map(([id]) => id) ?? []);
}
