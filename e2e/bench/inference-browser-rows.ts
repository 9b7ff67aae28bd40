import { chromium, type Browser, type Page } from '@playwright/test';
import { startEngine } from './engine-process.ts';
import { load, type BenchPlace } from './inference-client.ts';
import { addProbe, readProbe, resetProbe, type ProbeCounts } from './page-probe.ts';
import type { Row } from './row.ts';
import { quantile } from './statistics.ts';

/** Chapters, lists and code: an answer whose Markdown has something to do. */
const PROMPTS = ['Write a long story about a river, with many chapters.', 'Write a long guide to growing vegetables, with headings and lists.', 'Explain in great detail how bread is made, step by step, in many sections.'];
const ANSWER_TOKENS = 256;
const PATIENCE_MS = 300_000;

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'] });

/** A page of the web face, on a route; `probed`: from its first line of code, which costs it something. */
export async function openPage(browser: Browser, web: { readonly url: string | null; readonly token: string }, route: string, { probed }: { readonly probed: boolean }): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.setViewportSize({ width: 1440, height: 900 });
  if (probed) await addProbe(page);
  await page.goto(`${web.url ?? ''}#token=${web.token}&${route}`);
  return page;
}

/** Real answers of a real model in a real browser: how long a piece is on its way, and what is drawn for it. */
export async function browserRows(at: BenchPlace): Promise<Row[]> {
  const browser = await openBrowser();
  const engine = await startEngine({ gpus: at.gpus });
  try {
    const { client, ws } = await engine.connect();
    await client.models.addFolder({ path: at.model });
    await load(client, at.model, at.settings);
    const web = await client.engine.startWeb({ port: 0 });
    const conversation = await client.chat.create({ title: 'Benchmark', answerer: { provider: null, model: at.model, settings: at.settings, sampling: { temperature: 0.8, seed: 3 }, maxTokens: ANSWER_TOKENS, jsonSchema: null, grammar: null } });
    const page = await openPage(browser, web, `/chat/${conversation.id}`, { probed: true });
    const composer = page.getByRole('textbox', { name: 'Message', exact: true });
    await composer.waitFor();
    const all: ProbeCounts[] = [];
    const speeds: number[] = [];
    for (const prompt of PROMPTS) {
      await composer.fill(prompt);
      await page.keyboard.press('Enter');
      // From the first words on: what opens the answer is not what is measured.
      await page.locator('.body.growing').waitFor({ timeout: PATIENCE_MS });
      await resetProbe(page);
      await page.locator('.body.growing').waitFor({ state: 'detached', timeout: PATIENCE_MS });
      all.push(await readProbe(page));
      const { messages } = await client.chat.page({ id: conversation.id });
      speeds.push(messages.at(-1)?.answer?.figures?.decodeTokensPerSecond ?? Number.NaN);
    }
    ws.close();
    return describeCounts(at.label, all, speeds);
  } finally {
    await engine.stop();
    await browser.close();
  }
}

function describeCounts(label: string, all: readonly ProbeCounts[], speeds: readonly number[]): Row[] {
  const pieces = all.flatMap((c) => c.pieces);
  const here = pieces.map((p) => p.hereAtMs - p.sentAtMs);
  const drawn = pieces.flatMap((p) => (p.drawnAtMs === null ? [] : [p.drawnAtMs - p.sentAtMs]));
  const sum = (of: (c: ProbeCounts) => number): number => all.reduce((total, c) => total + of(c), 0);
  const p99 = quantile(here, 0.99);
  const most = Math.max(...all.map((c) => c.mostAnswerCommitsInAFrame));
  const others = sum((c) => c.otherMessageCommits);
  const drawing = { commits: sum((c) => c.commits), commitsOfTheAnswer: sum((c) => c.answerCommits), frames: sum((c) => c.frames), pieces: pieces.length };
  return [
    { what: `model's process → browser, a piece of text, p99, ${label}`, must: '≤ 30', value: p99, unit: 'ms', ok: pieces.length > 100 && p99 <= 30, detail: { n: pieces.length, p50: quantile(here, 0.5), max: Math.max(...here), drawnP50: quantile(drawn, 0.5), drawnP99: quantile(drawn, 0.99), answerTokensPerSecond: speeds.map((s) => s.toFixed(0)).join(' ') } },
    { what: `React commits of the growing answer in one frame, most, ${label}`, must: '≤ 1', value: most, unit: '', ok: most <= 1, detail: { ...drawing, mostOfAllKindsInOneFrame: Math.max(...all.map((c) => c.mostCommitsInAFrame)), framesWithSeveralOfAllKinds: sum((c) => c.framesWithSeveralCommits) } },
    { what: `commits that drew a message beside the open one, ${label}`, must: '0', value: others, unit: '', ok: others === 0, detail: { ...drawing, nodesChangedInThem: sum((c) => c.otherMessageMutations) } },
  ];
}
