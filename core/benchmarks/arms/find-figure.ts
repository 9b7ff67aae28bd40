import { Worker } from 'node:worker_threads';

/** Of one output, ms. A pattern like `(a+)+$` may take for ever; it takes no longer than this, and not in the engine's thread. */
const LIMIT_MS = 2000;
/** A thread has to start first, on a machine that is busy measuring. */
const START_MS = 20_000;

/** Plain JavaScript: a thread of its own in the sources as in the bundle. The last match counts: programs print their result last. */
const SEARCH = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ pattern, texts }) => {
  let expression;
  try { expression = new RegExp(pattern, 'gm'); } catch (error) { parentPort.postMessage({ t: 'invalid', detail: String(error.message) + '.' }); return; }
  const groups = new RegExp(pattern + '|').exec('').length - 1;
  if (groups < 1) { parentPort.postMessage({ t: 'invalid', detail: 'it has no group in parentheses that would be the figure.' }); return; }
  parentPort.postMessage({ t: 'begins' });
  for (const text of texts) {
    let last = null;
    for (const match of text.matchAll(expression)) if (match[1] !== undefined) last = match[1];
    if (last !== null) { parentPort.postMessage({ t: 'found', text: last.slice(0, 200) }); return; }
  }
  parentPort.postMessage({ t: 'none' });
});
parentPort.postMessage({ t: 'ready' });
`;

export type FoundFigure =
  | { readonly t: 'found'; readonly text: string }
  | { readonly t: 'none' }
  /** The pattern is none, or takes too long. */
  | { readonly t: 'invalid'; readonly detail: string };

/** Looks for a pattern's last match in the first of the texts that has one; its first group. Settles within seconds, whatever the pattern. */
export function findFigure(pattern: string, texts: readonly string[], limitMs = LIMIT_MS): Promise<FoundFigure> {
  return new Promise((resolve) => {
    const worker = new Worker(SEARCH, { eval: true, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 256 } });
    let timer: NodeJS.Timeout | undefined;
    const settle = (found: FoundFigure): void => {
      clearTimeout(timer);
      resolve(found);
      void worker.terminate();
    };
    const within = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => { settle({ t: 'invalid', detail: `it takes more than ${String(ms / 1000)} s to look for, so it is too complicated.` }); }, ms);
    };
    within(START_MS);
    worker.on('error', (error: unknown) => { settle({ t: 'invalid', detail: error instanceof Error ? error.message : 'it could not be looked for.' }); });
    worker.on('message', (message: FoundFigure | { readonly t: 'ready' } | { readonly t: 'begins' }) => {
      if (message.t === 'ready') worker.postMessage({ pattern, texts });
      else if (message.t === 'begins') within(limitMs);
      else settle(message);
    });
  });
}

/** `1,234.5`, `3e4`, ` 12 ` → a number above 0, or null: no other can be compared as a ratio. Pure. */
export function parseFigure(text: string): number | null {
  const plain = text.trim().replace(/^\+/, '');
  const digits = /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(plain) ? plain.replaceAll(',', '') : plain;
  if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(digits)) return null;
  const value = Number(digits);
  return Number.isFinite(value) && value > 0 ? value : null;
}
