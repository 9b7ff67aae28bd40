import type { ReactNode } from 'react';
import type { Comparison, ComparisonAnswer } from '../../../../contract/chat.ts';
import { plainText } from '../../../ui/plain-text.ts';
import { formatSpeed, reasonWords } from '../messages/figures.ts';
import { answersOf, isBlindNow, letterOf } from './comparison-words.ts';

/** Rows that are drawn; the exports have all. */
const MOST_ROWS = 200;

/** A set of prompts: a line each, with what every configuration made of it; a click shows the answers. */
export function ResultsTable({ comparison, prompt, onShow }: { readonly comparison: Comparison; readonly prompt: number; onShow(prompt: number): void }): ReactNode {
  const { wish, answers, votes } = comparison;
  const blind = isBlindNow(comparison);
  return (
    <section className="panel cresults" aria-label="Results by prompt">
      <div className="tscroll" tabIndex={0} role="region" aria-label="Results">
        <table className="tbl">
          <thead>
            <tr>
              <th className="n">#</th>
              <th>Prompt</th>
              {wish.contenders.map((_, i) => <th key={i} className="num">{blind ? `Answer ${i + 1}` : letterOf(i)}</th>)}
              <th>Best</th>
            </tr>
          </thead>
          <tbody>
            {wish.prompts.slice(0, MOST_ROWS).map((text, at) => {
              const vote = votes.find((v) => v.prompt === at);
              return (
                <tr key={at} aria-selected={at === prompt}>
                  <td className="n">{at + 1}</td>
                  <th scope="row"><button type="button" className="linklike trunc" onClick={() => onShow(at)}>{plainText(text.slice(0, 160))}</button></th>
                  {wish.contenders.map((_, i) => <td key={i} className="num">{describeCell(answersOf(answers, i, at), blind)}</td>)}
                  <td>{vote === undefined ? <span className="q">no vote</span> : vote.contender === null ? 'none' : blind ? `answer ${vote.contender + 1}` : letterOf(vote.contender)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {wish.prompts.length > MOST_ROWS && <p className="sub pad">The first {MOST_ROWS} of {wish.prompts.length} prompts are shown; the exports have all.</p>}
    </section>
  );
}

/** `141 tok/s, 186 tokens` of a prompt's answers, or how they ended. Pure. */
export function describeCell(answers: readonly ComparisonAnswer[], blind: boolean): string {
  const done = answers.filter((a) => a.state === 'done');
  if (done.length === 0) return answers.some((a) => a.state === 'writing') ? 'writes' : answers.some((a) => a.state === 'loading') ? 'loads' : answers.length === 0 ? '—' : 'waits';
  const failed = done.filter((a) => a.problem !== null);
  if (failed.length === done.length) return failed[0]?.problem?.title ?? 'failed';
  if (blind) return `${done.length} of ${answers.length}`;
  const speeds = done.flatMap((a) => a.figures?.decodeTokensPerSecond ?? []);
  const tokens = done.flatMap((a) => a.figures?.answerTokens ?? []);
  const mean = (list: readonly number[]): number => list.reduce((sum, v) => sum + v, 0) / list.length;
  const reason = done.length === 1 && done[0]?.reason ? reasonWords[done[0].reason] : null;
  const speed = speeds.length === 0 ? null : formatSpeed(mean(speeds));
  return [speed === null ? '— tok/s' : `${speed.text} ${speed.unit}`, tokens.length === 0 ? null : `${Math.round(mean(tokens))} tokens`, reason].filter((w) => w !== null).join(', ');
}
