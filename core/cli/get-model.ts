import type { Download, DownloadWish } from '../../contract/models.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { EngineClient } from '../engine/connect.ts';
import type { CommandContext } from './command.ts';
import { cleanText } from './display-width.ts';
import { formatFileSize, formatPercent } from './format-values.ts';
import { describeLeft } from './model-text.ts';

const ended: ReadonlySet<Download['state']> = new Set(['done', 'failed', 'cancelled', 'paused']);

/**
 * Gets a model and shows how it goes. Ctrl+C pauses it: the same command goes on where it stopped.
 * @throws ProblemError what ended it
 */
export async function getModel(client: EngineClient, wish: DownloadWish, context: CommandContext): Promise<Download> {
  const { out, signal } = context;
  let last = await client.downloads.start(wish, { signal });
  const show = (d: Download): void => {
    const share = d.totalBytes === null ? formatFileSize(d.doneBytes) : `${formatPercent((100 * d.doneBytes) / Math.max(1, d.totalBytes))} of ${formatFileSize(d.totalBytes)}`;
    out.progress(`${cleanText(d.name)}${d.quantisation === null ? '' : ` ${d.quantisation}`}: ${d.state === 'checking' ? 'comparing the checksum' : d.state === 'waiting' ? 'waiting' : share}${d.state === 'running' ? `, ${describeLeft(d.bytesPerSecond, d.secondsLeft)}` : ''}`);
  };
  try {
    if (!ended.has(last.state)) {
      for await (const list of await client.downloads.watch({}, { signal })) {
        const now = list.find((d) => d.id === last.id);
        if (!now) continue;
        last = now;
        show(now);
        if (ended.has(now.state)) break;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    last = await client.downloads.pause({ id: last.id });
    out.endProgress();
    out.note('Paused; what is there is kept.');
  }
  out.endProgress();
  if (last.state === 'failed' && last.problem !== null) throw new ProblemError(last.problem);
  return last;
}

/** `SmolLM2…`, `owner/name`, `owner/name:Q4_K_M`, or an address. */
export function parseDownloadWish(text: string, quantisation: string | null, sha256: string | null): DownloadWish {
  if (/^https?:\/\//i.test(text)) return { url: text, sha256 };
  const [name = '', ...after] = text.split(':');
  const wanted = quantisation ?? (after.length > 0 ? after.join(':') : null);
  if (name.includes('/')) return { repository: name, revision: null, file: null, quantisation: wanted };
  return { offered: name, quantisation: wanted };
}
