/**
 * Flow control between the engine's socket and the page. A message port has none: a page that hangs would let the
 * main process pile up frames. The page acknowledges what it has taken; above `high` frames on their way the
 * socket is paused, so that the engine sees a slow reader and skips or waits, as it does for a browser tab.
 */
export interface FrameWindow {
  readonly onTheWay: number;
  readonly paused: boolean;
}

export const EMPTY_WINDOW: FrameWindow = { onTheWay: 0, paused: false };
/** Frames. The page acknowledges every 32, so the socket is read again well before the page runs dry. */
export const HIGH_FRAMES = 128;
const LOW_FRAMES = 64;

export function afterFrame(window: FrameWindow): FrameWindow {
  const onTheWay = window.onTheWay + 1;
  return { onTheWay, paused: window.paused || onTheWay > HIGH_FRAMES };
}

/** `count` more frames have been taken by the page. More than were sent is a page that miscounts: it gains nothing. */
export function afterAck(window: FrameWindow, count: number): FrameWindow {
  const taken = Number.isSafeInteger(count) && count > 0 ? count : 0;
  const onTheWay = Math.max(0, window.onTheWay - taken);
  return { onTheWay, paused: window.paused && onTheWay > LOW_FRAMES };
}
