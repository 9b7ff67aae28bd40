import type { Page } from '@playwright/test';
import { dataFolder } from '../../core/system/data-folder.ts';
import { startEngine } from './engine-process.ts';
import { traceFrames, type FrameWork } from './frame-trace.ts';
import { openBrowser, openPage } from './inference-browser-rows.ts';
import type { Row } from './row.ts';
import { seedConversations, type SeededConversations } from './seed-conversations.ts';
import { quantile, spreadOf } from './statistics.ts';
import { timeTo } from './time-to.ts';

const MESSAGES = 10_000;
const ANSWER_TOKENS = 100_000;
/** With the two long ones as many as the engine lists. */
const OTHERS = 1998;
/** A step of the wheel for each frame: quick reading (6,000 px a second at 60 Hz), and a throw. */
const WHEEL_PX = [100, 240];
const WHEELS = 240;

interface ScrollWork extends FrameWork {
  readonly mostNodes: number;
  /** Turns of the wheel that moved it. */
  readonly steps: number;
}

/** Turns the wheel over a place and back: on the way there the main thread's work is traced, on the way back nodes are counted. */
async function scroll(page: Page, selector: string, wheelPx: number): Promise<ScrollWork> {
  const browser = page.context().browser();
  const box = await page.locator(selector).boundingBox();
  if (browser === null || box === null) throw new Error(`${selector} is not shown.`);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  // Conversations open at their end and grow above it while they are scrolled; lists begin at the top.
  const direction = selector === '.msgs' ? -1 : 1;
  await page.evaluate((s) => {
    const at = document.querySelector(s);
    const counted = { steps: 0 };
    Object.assign(globalThis, { scrolledSteps: counted });
    at?.addEventListener('scroll', () => { counted.steps += 1; }, { passive: true });
  }, selector);
  const work = await traceFrames(browser, page, async () => {
    for (let i = 0; i < WHEELS; i += 1) await page.mouse.wheel(0, direction * wheelPx);
  });
  const steps = await page.evaluate(() => (globalThis as unknown as { readonly scrolledSteps: { readonly steps: number } }).scrolledSteps.steps);
  // One that stood at an end for half of the time would show little work.
  if (steps < 0.9 * WHEELS) throw new Error(`${selector} went ${String(steps)} of ${String(WHEELS)} steps.`);
  let mostNodes = 0;
  for (let i = 0; i < WHEELS / 4; i += 1) {
    await page.mouse.wheel(0, -direction * wheelPx);
    mostNodes = Math.max(mostNodes, await page.evaluate(() => document.querySelectorAll('*').length));
  }
  return { ...work, mostNodes, steps };
}

/** A store with very long conversations, opened and scrolled in a real browser. */
export async function longRows(rounds: number): Promise<Row[]> {
  const browser = await openBrowser();
  const seeded: SeededConversations[] = [];
  const engine = await startEngine({ gpus: 'none', prepare: async (dataDir) => {
    seeded.push(await seedConversations(dataFolder(dataDir).database, { messages: MESSAGES, answerTokens: ANSWER_TOKENS, others: OTHERS }));
  } });
  try {
    const { longList, longAnswer, listed } = need(seeded[0]);
    const { client, ws } = await engine.connect();
    const web = await client.engine.startWeb({ port: 0 });
    const page = await openPage(browser, web, '/monitor', { probed: false });
    await page.getByRole('link', { name: 'Chat' }).first().waitFor();
    const opens: Record<string, number[]> = { list: [], messages: [], answer: [], whole: [] };
    const note = (name: string, ms: number): void => { opens[name]?.push(ms); };
    for (let round = 0; round <= rounds; round += 1) {
      // The first round brings the page's code: not what is measured.
      const keep = (name: string, ms: number): void => { if (round > 0) note(name, ms); };
      keep('list', await timeTo(page, { hash: '#/chat' }, { selector: '.convlist a', words: 'A very long answer' }));
      keep('messages', await timeTo(page, { hash: `#/chat/${longList.id}` }, { selector: '.msgs .row', words: longList.lastWords }));
      keep('answer', await timeTo(page, { hash: `#/chat/${longAnswer.id}` }, { selector: '.msgs .row', words: 'Show all' }));
      keep('whole', await timeTo(page, { click: 'Show all' }, { selector: '.msgs .row', words: 'Show all', gone: true }));
      await timeTo(page, { hash: '#/monitor' }, { selector: 'h1, h2, p', words: '' });
    }
    const rows: Row[] = [
      opened(`list of ${String(listed)} conversations, open`, opens['list']),
      opened(`conversation of ${String(longList.messages)} messages, open`, opens['messages']),
      opened(`answer of 100k tokens (${String(longAnswer.characters)} characters), open`, opens['answer']),
      opened('answer of 100k tokens, show all of it', opens['whole']),
    ];
    await timeTo(page, { hash: `#/chat/${longList.id}` }, { selector: '.msgs .row', words: longList.lastWords });
    rows.push(...await scrolled(page, 'conversation of 10,000 messages', '.msgs'));
    rows.push(...await scrolled(page, `list of ${String(listed)} conversations`, '.convlist'));
    await timeTo(page, { hash: `#/chat/${longAnswer.id}` }, { selector: '.msgs .row', words: 'Show all' });
    await timeTo(page, { click: 'Show all' }, { selector: '.msgs .row', words: 'Show all', gone: true });
    rows.push(...await scrolled(page, 'answer of 100k tokens', '.msgs'));
    ws.close();
    return rows;
  } finally {
    await engine.stop();
    await browser.close();
  }
}

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Nothing was written.');
  return value;
}

function opened(what: string, ms: readonly number[] | undefined): Row {
  const spread = spreadOf(ms ?? []);
  return { what, must: '≤ 200', value: spread.median, unit: 'ms', ok: spread.median <= 200, detail: { low: spread.low, high: spread.high, n: spread.n } };
}

async function scrolled(page: Page, what: string, selector: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const px of WHEEL_PX) rows.push(...describeScroll(`${what}, ${String(px)} px a step`, await scroll(page, selector, px)));
  return rows;
}

function describeScroll(what: string, work: ScrollWork): Row[] {
  // Time on a processor: what other programs took meanwhile is not the page's work. Beside it the clock's.
  const spent = work.cpuMs.length > 0 ? work.cpuMs : work.wallMs;
  const p95 = quantile(spent, 0.95);
  return [
    { what: `${what}, scroll work of the main thread a frame, p95`, must: '≤ 8', value: p95, unit: 'ms', ok: spent.length > 60 && p95 <= 8, detail: { frames: spent.length, steps: work.steps, p50: quantile(spent, 0.5), max: Math.max(...spent), wallP50: quantile(work.wallMs, 0.5), wallP95: quantile(work.wallMs, 0.95) } },
    { what: `${what}, nodes of the document while scrolling, most`, must: '≤ 2000', value: work.mostNodes, unit: '', ok: work.mostNodes <= 2000, detail: {} },
  ];
}
