import { setTimeout as wait } from 'node:timers/promises';
import { isTrouble, problemOfTrouble } from '../hub/trouble.ts';
import type { Claim } from './claims.ts';
import { decidePause, decideTries, type Fetching } from './fetching.ts';
import { readInto } from './read-into.ts';

/** No model is larger; a body without length ends here, if the disk has not ended before. */
const MAX_FILE = 4e12;

/** The whole file as one stream, from its beginning at every try. */
export async function fetchWhole(fetching: Fetching): Promise<void> {
  const { part, limits, signal, file } = fetching;
  fetching.onConnections(1);
  for (let tries = 1; ; tries += 1) {
    await part.reset();
    fetching.forget();
    try {
      const { answer, total, validator } = await fetching.request(null, 0, signal);
      await fetching.note(total, validator);
      const claim: Claim = { from: 0, at: 0, end: total ?? MAX_FILE };
      await readInto({ answer, claim, part, stallMs: limits.stallMs, onBytes: fetching.onBytes, notModel: fetching.notModel, endless: total === null });
      if (total !== null) return;
      const got = part.doneBytes();
      if (file.announcedBytes !== null && got !== file.announcedBytes) throw fetching.notModel(`${got} bytes; ${file.announcedBytes} were announced`);
      await fetching.note(got, validator);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isTrouble(error)) throw error;
      const most = decideTries(error, fetching.wasHeard(), limits.tries);
      fetching.log(`${error.message} (try ${tries} of ${most}, each from the beginning: the server gives no parts)`);
      if (tries >= most) throw problemOfTrouble(error, tries, limits.stallMs, fetching.url);
      await wait(decidePause(error, tries, limits.backoffMs), undefined, { signal });
    }
  }
}
