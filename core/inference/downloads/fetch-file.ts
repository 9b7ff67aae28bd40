import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../../contract/problem.ts';
import { makeTrouble } from '../hub/trouble.ts';
import { fetchRanges } from './fetch-ranges.ts';
import { fetchWhole } from './fetch-whole.ts';
import type { Fetching, FetchOptions } from './fetching.ts';
import { ifRangeOf, judgeAnswer, type KnownFile } from './judge-answer.ts';

/**
 * Fills the part file from the server: several ranges at once where it gives ranges, one stream where not. Bytes of two
 * versions of a file are never mixed. @throws ProblemError `download.*`, the signal's reason
 */
export async function fetchFile(options: FetchOptions): Promise<void> {
  const fetching = createFetching(options);
  if ((await fetchRanges(fetching)) === 'whole_only') await fetchWhole(fetching);
}

function createFetching(options: FetchOptions): Fetching {
  const { url, part } = options;
  let { totalBytes, validator } = options.file;
  let begun = part.doneBytes() > 0;
  const known = (): KnownFile => ({ totalBytes, validator, announcedBytes: options.file.announcedBytes, sha256: options.file.sha256, begun });
  const notModel = (what: string): ProblemError => problemError('download.not_model', { url, what });
  return {
    ...options,
    known,
    notModel,
    forget() {
      totalBytes = null;
      validator = null;
      begun = false;
    },
    async note(total, found) {
      begun = true;
      if (total === totalBytes && JSON.stringify(found) === JSON.stringify(validator)) return;
      totalBytes = total;
      validator = found;
      await options.learn({ totalBytes, validator });
    },
    async request(at, end, signal) {
      const mark = at === null || !begun ? null : ifRangeOf(validator);
      const answer = await options.open({ ...(at === null ? {} : { range: `bytes=${at}-${end - 1}` }), ...(mark === null ? {} : { 'if-range': mark }) }, signal);
      const verdict = judgeAnswer(answer, at, known());
      if (verdict.is === 'bytes') return { answer, total: verdict.total, validator: verdict.validator, ranges: verdict.ranges };
      if (verdict.is === 'refused') throw await options.refusalOf(answer);
      answer.body.on('error', () => undefined).destroy();
      switch (verdict.is) {
        case 'changed': throw problemError('download.changed', { url });
        case 'not_model': throw notModel(verdict.what);
        case 'busy': throw makeTrouble('busy', answer.url.host, answer.status === 429 ? 'It has had too many requests.' : `It answers ${answer.status}: it has trouble of its own.`, { waitMs: verdict.waitMs, status: answer.status });
        case 'wrong_part': throw makeTrouble('connection', answer.url.host, 'It sent another part than was asked for.');
      }
    },
  };
}
