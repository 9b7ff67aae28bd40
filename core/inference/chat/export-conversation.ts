import type { Conversation } from '../../../contract/chat.ts';
import type { GenerationFigures } from '../../../contract/inference.ts';
import type { WholeMessage } from '../../storage/chat/chat-calls.ts';
import { plainName } from './make-turns.ts';

/** A conversation as Markdown, piece by piece: the shown branch as somebody would want to read it. */
export function markdownHead(conversation: Conversation, atMs: number): string {
  const { title, systemPrompt, answerer, createdAtMs, changedAtMs } = conversation;
  const model = answerer.model === null ? 'the default one' : inlineCode(answerer.model);
  const lines = [
    `# ${escapeLine(title)}`,
    '',
    `- Begun: ${time(createdAtMs)}`,
    `- Last changed: ${time(changedAtMs)}`,
    `- Exported: ${time(atMs)}`,
    `- Model: ${answerer.provider === null ? model : `${model} at ${inlineCode(answerer.provider)}`}`,
    ...settingLines(conversation),
  ];
  if (systemPrompt.trim() !== '') lines.push('', '## System prompt', '', systemPrompt);
  return `${lines.join('\n')}\n`;
}

export function markdownMessage(message: WholeMessage): string {
  const { role, atMs, content, thinking, attachments, answer } = message;
  const name = answer?.modelName === undefined || answer.modelName === '' ? '' : ` (${escapeLine(answer.modelName)}${answer.provider === null ? '' : ` at ${escapeLine(answer.provider)}`})`;
  const parts = [`## ${role === 'assistant' ? 'Assistant' : 'User'}${name}, ${time(atMs)}`];
  if (attachments.length > 0) parts.push(attachments.map((a) => `- Attached: ${inlineCode(plainName(a.name))}, ${a.text.length.toLocaleString('en')} characters`).join('\n'));
  if (thinking.trim() !== '') parts.push(thinking.trim().split('\n').map((line) => `> ${line}`).join('\n'));
  if (content !== '') parts.push(content);
  if (answer !== null) {
    const said = [answer.figures === null ? '' : figuresLine(answer.figures), answer.truth === null ? '' : answer.truth.sentence, endWords[answer.reason ?? 'stop'], answer.problem === null ? '' : `${answer.problem.title}: ${answer.problem.cause}`];
    const line = said.filter((part) => part !== '').join(' · ');
    if (line !== '') parts.push(`*${escapeLine(line)}*`);
  }
  return `\n${parts.join('\n\n')}\n`;
}

/** What is known of an answer, in the order of its line on the page; what was not reported is left out. */
export function figuresLine(figures: GenerationFigures): string {
  const parts: [number | null, (value: number) => string][] = [
    [figures.firstTokenMs, (v) => `first token after ${fixed(v, 0)} ms`],
    [figures.promptTokens, (v) => `${v.toLocaleString('en')} prompt tokens`],
    [figures.promptTokensPerSecond, (v) => `prompt ${fixed(v, 1)} tokens/s`],
    [figures.answerTokens, (v) => `${v.toLocaleString('en')} tokens`],
    [figures.decodeTokensPerSecond, (v) => `${fixed(v, 1)} tokens/s`],
    [figures.joulesPerToken, (v) => `${fixed(v, 2)} J/token`],
    [figures.rooflineShare, (v) => `${fixed(v * 100, 0)} % of the roofline`],
    [figures.seed, (v) => `seed ${v}`],
  ];
  return parts.flatMap(([value, words]) => (value === null ? [] : [words(value)])).join(' · ');
}

/** Everything, as it is stored. `schemaVersion` goes up when a field changes its meaning or goes. */
export function jsonHead(conversation: Conversation, atMs: number): string {
  const head = JSON.stringify({ schemaVersion: 1, kind: 'warpdeck-conversation', exportedAt: new Date(atMs).toISOString(), conversation }, null, 1);
  return `${head.slice(0, -2)},\n "messages": [`;
}
export const jsonMessage = (message: WholeMessage, first: boolean): string => `${first ? '' : ','}\n  ${JSON.stringify(message)}`;
export const JSON_END = '\n ]\n}\n';

/** A name that every file system takes. */
export function exportFileName(title: string, format: 'markdown' | 'json'): string {
  const words = title.normalize('NFC').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 48).toWellFormed().replace(/^-+|-+$/g, '');
  return `chat-${words === '' ? 'conversation' : words}.${format === 'markdown' ? 'md' : 'json'}`;
}

const endWords = {
  stop: '', length: 'ended at the greatest length', context_full: 'ended because the context was full', tool_calls: '', cancelled: 'stopped',
  time_limit: 'ended because the time was up', interrupted: 'interrupted',
} as const;

function settingLines({ answerer }: Conversation): string[] {
  const given = [...Object.entries(answerer.settings), ...Object.entries(answerer.sampling)].filter(([, value]) => value !== undefined && value !== null);
  const lines = given.length === 0 ? [] : [`- Settings: ${given.map(([key, value]) => `${key} ${escapeLine(Array.isArray(value) ? value.join(' ') : String(value))}`).join(', ')}`];
  if (answerer.jsonSchema !== null) lines.push('- Answers follow a JSON schema');
  if (answerer.grammar !== null) lines.push('- Answers follow a grammar');
  return lines;
}

const fixed = (value: number, digits: number): string => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const time = (atMs: number): string => (Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15 ? `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC` : '—');
const escapeLine = (text: string): string => text.replace(/\s+/gu, ' ').replace(/[\\`*_[\]<>#|]/g, '\\$&');
const inlineCode = (text: string): string => `\`${text.replace(/[`\s]+/gu, ' ').trim()}\``;
