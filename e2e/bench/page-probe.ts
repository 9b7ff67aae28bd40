import type { Page } from '@playwright/test';

/** What the probe in the page wrote down. Times are Unix ms of the clock that all processes share. */
export interface ProbeCounts {
  /** Of each piece of an answer: sent by the model's process, here at the socket, in the page's picture of it (React's next commit). */
  readonly pieces: readonly { readonly sentAtMs: number; readonly hereAtMs: number; readonly drawnAtMs: number | null }[];
  readonly frames: number;
  readonly commits: number;
  readonly mostCommitsInAFrame: number;
  readonly framesWithSeveralCommits: number;
  /** Of them those that drew the answer that grows; the others are of clocks, lists and instruments. */
  readonly mostAnswerCommitsInAFrame: number;
  /** Commits that drew a part of the answer that grows; of a message beside it. */
  readonly answerCommits: number;
  readonly otherMessageCommits: number;
  /** Changes of the document's nodes inside of messages that are not being written. */
  readonly otherMessageMutations: number;
}

/**
 * Runs in the page before its own code: looks at the socket, at React through its DevTools hook, and at frames. It
 * changes nothing that the page does.
 */
function installProbe(): void {
  interface Fiber { readonly tag: number; readonly flags: number; readonly child: Fiber | null; readonly sibling: Fiber | null; readonly alternate: Fiber | null; readonly memoizedProps: { readonly row?: { readonly message?: { readonly answer?: { readonly state: string } | null } } } | null }
  const now = (): number => performance.timeOrigin + performance.now();
  const zero = { frames: 0, commits: 0, mostCommitsInAFrame: 0, mostAnswerCommitsInAFrame: 0, framesWithSeveralCommits: 0, answerCommits: 0, otherMessageCommits: 0, otherMessageMutations: 0 };
  const pieces: { sentAtMs: number; hereAtMs: number; drawnAtMs: number | null }[] = [];
  let counts = { ...zero };
  let undrawn = 0;
  let inFrame = 0;
  let answerInFrame = 0;
  const onFrame = (): void => {
    counts.frames += 1;
    counts.mostCommitsInAFrame = Math.max(counts.mostCommitsInAFrame, inFrame);
    if (inFrame > 1) counts.framesWithSeveralCommits += 1;
    counts.mostAnswerCommitsInAFrame = Math.max(counts.mostAnswerCommitsInAFrame, answerInFrame);
    inFrame = 0;
    answerInFrame = 0;
    requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
  /** Components that React ran in this commit: a part whose child is the same object as before was passed over (react-reconciler, as its DevTools decide it). */
  const collect = (fiber: Fiber, found: { answer: boolean; other: boolean }): void => {
    for (let child = fiber.child; child !== null; child = child.sibling) {
      const fresh = child.alternate === null;
      const row = child.memoizedProps?.row;
      if (row?.message !== undefined && (fresh || (child.flags & 1) === 1)) {
        const state = row.message.answer?.state;
        if (state !== undefined && state !== 'done') found.answer = true;
        else found.other = true;
      }
      if (fresh || child.child !== child.alternate?.child) collect(child, found);
    }
  };
  const hook = {
    renderers: new Map(), supportsFiber: true, inject: () => 1, onCommitFiberUnmount: () => undefined, onPostCommitFiberRoot: () => undefined, checkDCE: () => undefined,
    onCommitFiberRoot(_renderer: number, root: { readonly current: Fiber }): void {
      counts.commits += 1;
      inFrame += 1;
      const found = { answer: false, other: false };
      collect(root.current, found);
      // The row that grows takes the words from outside of React's properties: its parts run without a `row` above them.
      const grown = document.querySelector('.body.growing')?.textContent?.length ?? 0;
      if (found.answer || grown !== lastGrown) {
        counts.answerCommits += 1;
        answerInFrame += 1;
      }
      if (found.other) counts.otherMessageCommits += 1;
      if (grown !== lastGrown) {
        const at = now();
        for (; undrawn < pieces.length; undrawn += 1) {
          const piece = pieces[undrawn];
          if (piece !== undefined) piece.drawnAtMs = at;
        }
      }
      lastGrown = grown;
    },
  };
  let lastGrown = 0;
  Object.defineProperty(globalThis, '__REACT_DEVTOOLS_GLOBAL_HOOK__', { value: hook });
  const text = new TextDecoder();
  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        const words = typeof data === 'string' ? data : data instanceof ArrayBuffer ? text.decode(data) : '';
        if (!words.includes('"t":"text"')) return;
        const at = now();
        for (const [, sent] of words.matchAll(/"tokens":\d+,"atMs":([\d.]+)/g)) pieces.push({ sentAtMs: Number(sent), hereAtMs: at, drawnAtMs: null });
      });
    }
  };
  document.addEventListener('DOMContentLoaded', () => {
    new MutationObserver((changes) => {
      // The rows are those of the DOM: the ones of the answer that grows come after the last one of the user.
      const mine = [...document.querySelectorAll('.msgs .row')];
      const lastOfUser = mine.findLastIndex((row) => row.classList.contains('me'));
      const growing = document.querySelector('.body.growing') !== null;
      if (!growing) return;
      for (const change of changes) {
        const row = (change.target instanceof Element ? change.target : change.target.parentElement)?.closest('.msgs .row') ?? null;
        if (row !== null && mine.indexOf(row) >= 0 && mine.indexOf(row) <= lastOfUser) counts.otherMessageMutations += 1;
      }
    }).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
  });
  Object.defineProperty(globalThis, '__probe', {
    value: {
      read: () => ({ ...counts, pieces: pieces.slice() }),
      reset: () => {
        counts = { ...zero };
        pieces.length = 0;
        undrawn = 0;
        inFrame = 0;
        answerInFrame = 0;
      },
    },
  });
}

interface Probe { read(): ProbeCounts; reset(): void }

export const addProbe = async (page: Page): Promise<void> => void (await page.addInitScript(installProbe));
export const resetProbe = (page: Page): Promise<void> => page.evaluate(() => (globalThis as unknown as { __probe: Probe }).__probe.reset());
export const readProbe = (page: Page): Promise<ProbeCounts> => page.evaluate(() => (globalThis as unknown as { __probe: Probe }).__probe.read());
