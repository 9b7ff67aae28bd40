import type { ReactNode } from 'react';
import type { Comparison, ComparisonRow } from '../../../../contract/chat.ts';
import { Button } from '../../../ui/button.tsx';
import { formatCount } from '../../../ui/format.ts';
import { Icon } from '../../../ui/icons.tsx';
import { plainText } from '../../../ui/plain-text.ts';
import { NotReported } from '../../../ui/value.tsx';
import { decideDots, decideSaid, describeParting, figureNames, formatChange, formatChangeInterval, formatRowValue, isBlindNow, judgedWords, letterOf } from './comparison-words.ts';

const saidMarks = { fine: { icon: 'ok', look: 'fin' }, attention: { icon: 'warn', look: 'att' }, unknown: { icon: 'unk', look: 'unk' } } as const;

/** What the comparison shows: a sentence, and a row for each figure with its interval. */
export function ComparisonTable({ comparison, onSeek, onExport }: { readonly comparison: Comparison; onSeek(): void; onExport(format: 'markdown' | 'json' | 'csv'): void }): ReactNode {
  const { rows, wish, sentence, partAt } = comparison;
  const letters = wish.contenders.map((_, i) => letterOf(i));
  const blind = isBlindNow(comparison);
  const parts = describeParting(comparison);
  const said = blind ? null : decideSaid(comparison);
  return (
    <section className="panel cdiff" aria-label="Difference">
      <div className="say">
        {said !== null && <Icon name={saidMarks[said].icon} small className={saidMarks[said].look} />}
        <span role="status">{plainText(sentence)} {parts}</span>
        <span className="sp" />
        {partAt.some((p) => p !== null) && <Button small onClick={onSeek}>Go to where they part</Button>}
        {!blind && comparison.state !== 'running' && (
          <>
            <Button small onClick={() => onExport('markdown')}>Export</Button>
            <Button small onClick={() => onExport('csv')}>CSV</Button>
            <Button small onClick={() => onExport('json')}>JSON</Button>
          </>
        )}
      </div>
      {rows.length > 0 && (
        <div className="tscroll" tabIndex={0} role="region" aria-label="Figures">
          <table className="tbl ctable">
            <thead>
              <tr>
                <th>{formatCount(wish.repeats * wish.prompts.length, 'answer')} each</th>
                {letters.map((l) => <th key={l} className="num">{l}</th>)}
                <th>Unit</th>
                <th className="dotc"><span className="dots lg">{letters.map((l) => <span key={l}><i className={l.toLowerCase()} />{l}</span>)}<span>from 0, 95 % interval</span></span></th>
                {letters.slice(1).map((l) => <th key={l} className="num">{l} to A</th>)}
              </tr>
            </thead>
            <tbody>{rows.map((row) => <Row key={row.figure} row={row} />)}</tbody>
          </table>
        </div>
      )}
      {rows.length > 0 && <p className="sub pad">Times and memory say how fast and how large, not how good: read the answers, or vote without names.</p>}
    </section>
  );
}

function Row({ row }: { readonly row: ComparisonRow }): ReactNode {
  const dots = decideDots(row);
  const known = row.values.find((v) => v.mean !== null)?.mean ?? null;
  // One unit in a row: that of its first value.
  const unit = known === null ? row.unit : formatRowValue(row.figure, known).unit;
  return (
    <tr>
      <th scope="row">{figureNames[row.figure]}</th>
      {row.values.map((v, i) => {
        const shown = v.mean === null ? null : formatRowValue(row.figure, v.mean);
        return (
          <td key={i} className="num" title={v.n === 0 ? undefined : `mean of ${formatCount(v.n, 'answer')}`}>
            {shown === null ? <NotReported reason="It was not reported for these answers." /> : <>{shown.text}{shown.unit === unit ? null : <span className="u">{shown.unit}</span>}</>}
          </td>
        );
      })}
      <td className="q">{unit}</td>
      <td className="dotc">
        <span className="dots" aria-hidden="true">
          {dots.map((d, i) => d !== null && <s key={`s${i}`} className={letterOf(i).toLowerCase()} style={{ left: `${d.low * 100}%`, width: `${(d.high - d.low) * 100}%` }} />)}
          {dots.map((d, i) => d !== null && <i key={`i${i}`} className={letterOf(i).toLowerCase()} style={{ left: `${d.at * 100}%` }} />)}
        </span>
      </td>
      {row.against.map((a, i) => (
        <td key={i} className="num">
          {a.ratio === null ? <span className="q">not known</span> : (
            <>
              {formatChange(a.ratio)}
              {a.low !== null && a.high !== null && <span className="q"> {formatChangeInterval(a.low, a.high)}</span>} {a.words === 'no_difference' ? <span className="st q"><Icon name="none" />no difference</span> : <span className={a.words === 'unknown' ? 'q' : ''}>{judgedWords[a.words]}</span>}
            </>
          )}
        </td>
      ))}
    </tr>
  );
}
