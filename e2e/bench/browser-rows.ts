import { setTimeout as wait } from 'node:timers/promises';
import { chromium, type Page } from '@playwright/test';
import { percentile, startEngine } from './engine-process.ts';
import type { Row } from './row.ts';

type Env = Readonly<Record<string, string>>;
interface Counters { latenciesMs: number[]; frames: number; gaps: number }

const SETTLE_MS = 8000;
const MEASURE_MS = 20_000;

/** Share of one core that the renderer's main thread was busy (CDP: TaskDuration), and frames in that time. */
async function measureMainThread(page: Page): Promise<{ percent: number; framesPerSecond: number; scriptPercent: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'timeTicks' });
  const read = async (): Promise<Map<string, number>> => new Map((await session.send('Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));
  const frames = (): Promise<number> => page.evaluate(() => (globalThis as unknown as { __warpdeckBench: { frames: number } }).__warpdeckBench.frames);
  await wait(SETTLE_MS);
  const [a, fa] = [await read(), await frames()];
  await wait(MEASURE_MS);
  const [b, fb] = [await read(), await frames()];
  const seconds = (b.get('Timestamp') ?? 0) - (a.get('Timestamp') ?? 0);
  const share = (name: string): number => (((b.get(name) ?? 0) - (a.get(name) ?? 0)) / seconds) * 100;
  return { percent: share('TaskDuration'), scriptPercent: share('ScriptDuration'), framesPerSecond: (fb - fa) / seconds };
}

/** How often React committed a second, counted through its own DevTools hook. */
const COMMIT_COUNTER = `globalThis.__REACT_DEVTOOLS_GLOBAL_HOOK__ = { renderers: new Map(), supportsFiber: true, commits: 0, inject() { return 1; }, onCommitFiberRoot() { this.commits += 1; }, onCommitFiberUnmount() {}, onPostCommitFiberRoot() {}, checkDCE() {} };`;

/** The browser's rows: latency from worker to ring, the main thread's share, commits, at two sizes. */
export async function benchBrowser(env: Env): Promise<Row[]> {
  const rows: Row[] = [];
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] });
  const engine = await startEngine({ gpus: 'nvml', env });
  try {
    const { client, ws } = await engine.connect();
    const web = await client.engine.startWeb({ port: 0 });
    const address = `${web.url ?? ''}#token=${web.token}&/monitor?bench=1`;
    for (const [what, size, must] of [
      ['renderer main thread, 10 Hz, 600 points, 1440×900 (what is visible of 8 cards)', { width: 1440, height: 900 }, 10],
      ['renderer main thread, 10 Hz, 600 points, all 48 charts visible', { width: 2560, height: 1600 }, 20],
    ] as const) {
      const context = await browser.newContext();
      await context.addInitScript(COMMIT_COUNTER);
      const page = await context.newPage();
      await page.setViewportSize(size);
      await page.goto(address);
      await page.getByRole('article').first().waitFor();
      // One minute at 10 Hz is 600 points.
      await page.getByRole('button', { name: '1 min', exact: true }).click();
      await wait(61_000);
      const visible = await page.evaluate(() => [...document.querySelectorAll('article')].filter((a) => { const r = a.getBoundingClientRect(); return r.top < innerHeight && r.bottom > 0; }).length);
      const commitsBefore = await page.evaluate(() => (globalThis as unknown as { __REACT_DEVTOOLS_GLOBAL_HOOK__: { commits: number } }).__REACT_DEVTOOLS_GLOBAL_HOOK__.commits);
      const t0 = performance.now();
      const measured = await measureMainThread(page);
      const commits = (await page.evaluate(() => (globalThis as unknown as { __REACT_DEVTOOLS_GLOBAL_HOOK__: { commits: number } }).__REACT_DEVTOOLS_GLOBAL_HOOK__.commits)) - commitsBefore;
      const perSecond = commits / ((performance.now() - t0) / 1000);
      const counters = await page.evaluate(() => (globalThis as unknown as { __warpdeckBench: Counters }).__warpdeckBench);
      rows.push({ what, must: `<= ${String(must)} % of one core`, value: measured.percent, unit: '%', ok: measured.percent <= must, detail: { cardsVisible: visible, scriptPercent: measured.scriptPercent, framesPerSecond: measured.framesPerSecond, reactCommitsPerSecond: perSecond } });
      rows.push({ what: `React commits at ${String(size.width)}×${String(size.height)}`, must: '<= 2 per second', value: perSecond, unit: '/s', ok: perSecond <= 2.05, detail: {} });
      if (size.width === 1440) {
        const late = counters.latenciesMs.slice(50);
        rows.push({ what: 'sample to browser (worker timestamp → ring in the page), p99', must: '<= 50 ms', value: percentile(late, 99), unit: 'ms', ok: percentile(late, 99) <= 50, detail: { p50: percentile(late, 50), max: percentile(late, 100), n: late.length } });
      }
      await context.close();
    }
    ws.close();
  } finally {
    await engine.stop();
    await browser.close();
  }
  return rows;
}
