import type { Comparison, ComparisonAnswer, ComparisonRow } from '../../../contract/chat.ts';
import { makeCsv, type Cell } from '../../system/make-csv.ts';

/** A comparison as a file. What is hidden in it stays hidden: it is what a face is given. Pure. */
export function exportComparison(comparison: Comparison, format: 'markdown' | 'json' | 'csv'): { fileName: string; text: string } {
  const name = `${comparison.title.normalize('NFKD').replace(/[^\w]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'comparison'}-${new Date(comparison.createdAtMs).toISOString().slice(0, 10)}`;
  if (format === 'json') return { fileName: `${name}.json`, text: `${JSON.stringify({ schemaVersion: 1, comparison }, null, 2)}\n` };
  return format === 'csv' ? { fileName: `${name}.csv`, text: makeCsv(makeRows(comparison)) } : { fileName: `${name}.md`, text: makeMarkdown(comparison) };
}

const headings = ['prompt_number', 'repeat', 'contender', 'state', 'ended', 'prompt_tokens', 'answer_tokens', 'first_token_ms', 'prompt_tokens_per_s', 'decode_tokens_per_s', 'joules_per_token', 'roofline_share', 'seed', 'voted_best', 'problem', 'prompt', 'answer', 'thinking'];

function makeRows({ answers, names, wish, votes }: Comparison): Cell[][] {
  return [headings, ...answers.map((one): Cell[] => {
    const { figures } = one;
    const vote = votes.find((it) => it.prompt === one.prompt);
    return [
      one.prompt + 1, one.repeat + 1, names[one.contender] ?? `${one.contender + 1}`, one.state, one.reason,
      figures?.promptTokens ?? null, figures?.answerTokens ?? null, figures?.firstTokenMs ?? null, figures?.promptTokensPerSecond ?? null, figures?.decodeTokensPerSecond ?? null, figures?.joulesPerToken ?? null, figures?.rooflineShare ?? null, figures?.seed ?? null,
      vote === undefined ? null : vote.contender === one.contender ? 'yes' : 'no', one.problem === null ? null : `${one.problem.code}: ${one.problem.cause}`,
      wish.prompts[one.prompt] ?? '', one.content, one.thinking,
    ];
  })];
}

const titles: Readonly<Record<ComparisonRow['figure'], string>> = { decode: 'Writing, tokens/s', first_token: 'First token, ms', prompt: 'Reading the prompt, tokens/s', memory: 'Memory, MiB', energy: 'Energy, J/token' };
const words: Readonly<Record<ComparisonRow['against'][number]['words'], string>> = { faster: 'faster', slower: 'slower', more: 'more', less: 'less', no_difference: 'no difference shown', unknown: 'not known' };

function makeMarkdown(comparison: Comparison): string {
  const { title, createdAtMs, sentence, names, rows, wish, votes, answers } = comparison;
  const parts = [`# ${oneLine(title)}`, `${new Date(createdAtMs).toISOString()} · ${wish.prompts.length} prompt${wish.prompts.length === 1 ? '' : 's'} × ${wish.repeats} · ${wish.order === 'turns' ? 'in turns' : 'at the same time'}`, sentence];
  if (rows.length > 0) parts.push(makeTable(comparison));
  if (rows.length > 0) parts.push('Geometric means with 95 % intervals (Student’s t on logarithms, paired by prompt); × is the ratio to the first column.');
  if (votes.length > 0) parts.push(['## Votes', ...names.map((name, at) => `- ${oneLine(name)}: ${votes.filter((one) => one.contender === at).length}`), `- none: ${votes.filter((one) => one.contender === null).length}`].join('\n'));
  if (wish.systemPrompt !== '') parts.push(`## System prompt\n\n${fence(wish.systemPrompt)}`);
  wish.prompts.forEach((prompt, at) => {
    parts.push(`## Prompt ${at + 1}\n\n${fence(prompt)}`);
    for (const one of answers.filter((it) => it.prompt === at)) parts.push(describeAnswer(one, names[one.contender] ?? '', wish.repeats));
  });
  return `${parts.join('\n\n')}\n`;
}

function makeTable({ names, rows }: Comparison): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(['', ...names.map((name) => oneLine(name).replaceAll('|', '\\|'))]),
    line(['---', ...names.map(() => '---:')]),
    ...rows.filter((row) => row.values.some((one) => one.mean !== null)).map((row) => line([titles[row.figure], ...row.values.map((_, at) => describeValue(row, at))])),
  ].join('\n');
}

function describeValue(row: ComparisonRow, at: number): string {
  const value = row.values[at];
  if (value?.mean == null) return '–';
  const scale = row.figure === 'memory' ? 1 / (1024 * 1024) : 1;
  const show = (one: number): string => Number((one * scale).toPrecision(4)).toString();
  const interval = value.low === null || value.high === null ? '' : ` (${show(value.low)}–${show(value.high)}, n = ${value.n})`;
  const against = row.against[at - 1];
  const ratio = against === undefined ? '' : against.ratio === null || against.low === null || against.high === null ? `; ${words[against.words]}` : `; ${against.ratio.toFixed(3)}× (${against.low.toFixed(3)}–${against.high.toFixed(3)}): ${words[against.words]}`;
  return `${show(value.mean)}${interval}${ratio}`;
}

function describeAnswer({ content, thinking, repeat, figures, problem, reason, state }: ComparisonAnswer, name: string, repeats: number): string {
  const said = [
    figures?.decodeTokensPerSecond == null ? '' : `${figures.decodeTokensPerSecond.toFixed(1)} tokens/s`,
    figures?.answerTokens == null ? '' : `${figures.answerTokens} tokens`,
    figures?.firstTokenMs == null ? '' : `first after ${figures.firstTokenMs.toFixed(0)} ms`,
    state === 'done' ? (reason === null || reason === 'stop' ? '' : `ended: ${reason.replaceAll('_', ' ')}`) : 'not made',
  ].filter((one) => one !== '').join(', ');
  const heading = `### ${oneLine(name)}${repeats === 1 ? '' : `, ${repeat + 1} of ${repeats}`}`;
  return [heading, ...(said === '' ? [] : [said]), ...(problem === null ? [] : [`${problem.title}. ${problem.cause}`]), ...(thinking === '' ? [] : ['Thinking:', fence(thinking)]), ...(content === '' ? [] : [fence(content)])].join('\n\n');
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Longer than any fence inside, so that the text stays text. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
  const marks = '`'.repeat(longest + 1);
  return `${marks}\n${text}\n${marks}`;
}
