import { setTimeout as wait } from 'node:timers/promises';
import { problemOf } from '../../../contract/problem.ts';
import { isTrouble, problemOfTrouble } from '../hub/trouble.ts';
import { createClaims, type Claim } from './claims.ts';
import { decidePause, decideTries, type Fetching } from './fetching.ts';
import { canTellApart } from './judge-answer.ts';
import { readInto } from './read-into.ts';

const LEAST_PIECE = 4 * 1024 * 1024;
const MOST_PIECE = 64 * 1024 * 1024;
/** A try that brought so much was none in vain. */
const PROGRESS = 1024 * 1024;

/**
 * Several connections, each taking the next piece that nobody has. `whole_only`: the server gives no ranges, or nothing
 * by which parts of two versions could be told apart.
 */
export async function fetchRanges(fetching: Fetching): Promise<'done' | 'whole_only'> {
  const { part, limits } = fetching;
  const halt = new AbortController();
  const signal = AbortSignal.any([fetching.signal, halt.signal]);
  const total = (): number | null => fetching.known().totalBytes;
  const pieceBytes = (): number => limits.pieceBytes ?? Math.min(MOST_PIECE, Math.max(LEAST_PIECE, Math.ceil((total() ?? fetching.file.announcedBytes ?? MOST_PIECE) / (fetching.connections * 4))));
  const claims = createClaims({ ranges: () => part.ranges(), total, pieceBytes });
  const failures: unknown[] = [];
  const workers: Promise<void>[] = [];
  let working = 0;
  let wholeOnly = false;

  const fetchClaim = async (claim: Claim): Promise<void> => {
    const asked = claim.end;
    const found = await fetching.request(claim.at, asked, signal);
    const isWhole = found.total !== null && claim.at === 0 && asked >= found.total;
    if (!found.ranges || found.total === null || (!canTellApart(found.validator, fetching.file.sha256) && !isWhole)) {
      found.answer.body.on('error', () => undefined).destroy();
      wholeOnly = true;
      halt.abort();
      return;
    }
    await fetching.note(found.total, fetching.known().begun ? (fetching.known().validator ?? found.validator) : found.validator);
    claim.end = Math.min(claim.end, found.total);
    hireOthers();
    await readInto({ answer: found.answer, claim, part, stallMs: limits.stallMs, onBytes: fetching.onBytes, notModel: fetching.notModel });
  };

  const work = async (): Promise<void> => {
    for (let tries = 0; ;) {
      const claim = claims.take();
      if (claim === null || signal.aborted) return;
      try {
        await fetchClaim(claim);
        tries = 0;
      } catch (error) {
        if (!isTrouble(error) || signal.aborted) throw error;
        tries = claim.at - claim.from >= PROGRESS ? 1 : tries + 1;
        const most = decideTries(error, fetching.wasHeard(), limits.tries);
        fetching.log(`${error.message} (try ${tries} of ${most})`);
        // The server may give fewer connections than we would like: the others go on with its piece.
        if (working > 1 && tries >= 2) return;
        if (tries >= most) throw problemOfTrouble(error, tries, limits.stallMs, fetching.url);
        claims.release(claim);
        await wait(decidePause(error, tries, limits.backoffMs), undefined, { signal });
      } finally {
        claims.release(claim);
      }
    }
  };
  const hire = (): void => {
    working += 1;
    fetching.onConnections(working);
    workers.push(work().catch((error: unknown) => {
      failures.push(error);
      halt.abort();
    }).finally(() => {
      working -= 1;
      fetching.onConnections(working);
    }));
  };
  let others = false;
  // When the first has heard that there are ranges.
  const hireOthers = (): void => {
    if (others) return;
    others = true;
    const pieces = Math.ceil(((total() ?? 0) - part.doneBytes()) / pieceBytes());
    for (let i = 1; i < Math.min(fetching.connections, pieces); i += 1) hire();
  };

  hire();
  // It grows while it is waited for.
  for (let i = 0; i < workers.length; i += 1) await workers[i];
  fetching.signal.throwIfAborted();
  // What halted the others; their own ends are only its echo.
  const cause = failures.find((error) => problemOf(error) !== null) ?? failures[0];
  if (wholeOnly && problemOf(cause) === null) return 'whole_only';
  if (cause !== undefined) throw cause instanceof Error ? cause : new Error('A connection ended', { cause });
  return 'done';
}
