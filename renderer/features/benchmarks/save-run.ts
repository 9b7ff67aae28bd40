import type { App } from '../../app/context.tsx';
import { problemFrom } from '../../connection/problem-from.ts';
import type { ExportChoice } from './export-menu.tsx';
import { encodeSvgAsPng, standAlone, type CaptionLine } from './svg-to-png.ts';

/** The legend of the roofline as it stands on the page. */
function readLegend(page: ParentNode): readonly CaptionLine[] {
  return [...page.querySelectorAll('.b-roof .blegend li')].map((line) => {
    const mark = line.querySelector('.gix');
    return { colour: mark === null ? 'currentColor' : getComputedStyle(mark).backgroundColor, text: [...line.children].flatMap((part) => [...part.childNodes].map((node) => node.textContent)).join('  ') };
  });
}

/** Saves a run, its card, or the roofline as it stands on the page, and says where it went. */
export async function saveRun(app: Pick<App, 'benchmarks' | 'shell' | 'ui'>, runId: string, choice: ExportChoice, page: ParentNode): Promise<void> {
  const { benchmarks, shell, ui } = app;
  const save = async (suggestedName: string, bytes: Uint8Array): Promise<void> => {
    const path = await shell.saveFile({ suggestedName, bytes });
    if (path !== null) ui.getState().say(`Saved as ${path}.`);
  };
  try {
    if (choice === 'chart-png') {
      const svg = page.querySelector<SVGSVGElement>('.b-roof svg.recharts-surface');
      if (svg === null) return ui.getState().say('There is no roofline yet: it needs a run of arithmetic and one of memory.');
      const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
      return await save('warpdeck-roofline.png', await encodeSvgAsPng(standAlone(svg, { background: token('--surface'), ink: token('--ink'), caption: readLegend(page) })));
    }
    const file = await benchmarks.getState().exportAs(runId, choice === 'card-svg' || choice === 'card-png' ? 'svg' : choice);
    if (file === null) return;
    if (choice === 'card-png') await save(file.fileName.replace(/\.svg$/i, '.png'), await encodeSvgAsPng(file.text));
    else await save(file.fileName, new TextEncoder().encode(file.text));
  } catch (error) {
    ui.getState().complain(problemFrom(error));
  }
}
