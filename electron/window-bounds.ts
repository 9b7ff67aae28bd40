import { z } from 'zod';

/** Device-independent pixels, as Electron counts them. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What the desktop face remembers between two starts, so that the first paint is right before the engine answers. */
export const shellState = z.object({
  bounds: z.object({ x: z.int(), y: z.int(), width: z.int().positive(), height: z.int().positive() }).nullable(),
  maximised: z.boolean(),
  zoomLevel: z.number().min(-5).max(9),
  theme: z.enum(['system', 'dark', 'light']),
  closeToTray: z.boolean(),
  startMinimised: z.boolean(),
});
export type ShellState = z.infer<typeof shellState>;

export const firstShellState: ShellState = { bounds: null, maximised: false, zoomLevel: 0, theme: 'system', closeToTray: false, startMinimised: false };

/** What cannot be read counts as never written: it is only comfort. */
export function parseShellState(text: string): ShellState {
  try {
    const parsed = shellState.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : firstShellState;
  } catch {
    return firstShellState;
  }
}

export const MIN_WIDTH = 720;
export const MIN_HEIGHT = 480;
const FIRST_WIDTH = 1440;
const FIRST_HEIGHT = 900;
/** So much of the title bar must be on a screen for a window to be moved by hand, px. */
const GRASP_WIDTH = 120;
const GRASP_HEIGHT = 32;

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), Math.max(low, high));

/** Can the top of the window be taken hold of on this screen? */
function canGrasp(bounds: Rectangle, area: Rectangle): boolean {
  const across = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  return across >= GRASP_WIDTH && bounds.y >= area.y && bounds.y + GRASP_HEIGHT <= area.y + area.height;
}

/**
 * Where the window opens: where it was, if it can be taken hold of there on one of today's screens; else on the
 * first screen, no larger than it. `areas`: work areas without task bars, the primary screen first.
 */
export function decideBounds(saved: Rectangle | null, areas: readonly Rectangle[]): Rectangle {
  const primary = areas[0] ?? { x: 0, y: 0, width: FIRST_WIDTH, height: FIRST_HEIGHT };
  const area = saved === null ? primary : (areas.find((a) => canGrasp(saved, a)) ?? primary);
  const width = clamp(saved?.width ?? FIRST_WIDTH, MIN_WIDTH, area.width);
  const height = clamp(saved?.height ?? FIRST_HEIGHT, MIN_HEIGHT, area.height);
  if (saved !== null && canGrasp(saved, area)) return { x: saved.x, y: saved.y, width, height };
  return { x: Math.round(area.x + (area.width - width) / 2), y: Math.round(area.y + (area.height - height) / 2), width, height };
}
