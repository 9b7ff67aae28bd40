import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';

/** What a server said instead of an answer. */
export interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly contentType: string;
  /** The beginning of its body. */
  readonly text: string;
  readonly key: string | null;
  readonly location: string | null;
  readonly retryAfter: string | null;
}

const MAX_DETAIL = 400;

/** The Problem `provider.refused` with the server's own sentence, and what to do about it. Pure. */
export function decideRefusal(refusal: Refusal): Problem {
  const { name, status, key } = refusal;
  return makeProblem('provider.refused', { name, status, detail: hideKey(describe(refusal), key), remedy: decideRemedy(refusal) });
}

/** Servers quote wrong keys in their errors; a key is never shown. */
export const hideKey = (text: string, key: string | null): string => (key === null || key.length < 4 ? text : text.replaceAll(key, '…'));

const isPage = ({ contentType, text }: Refusal): boolean => contentType.includes('html') || /^\s*(<!doctype|<html)/i.test(text);

function describe(refusal: Refusal): string {
  const { status, text, location } = refusal;
  if (status >= 300 && status < 400) return `It sends on to ${location === null ? 'another address' : cut(location)}.`;
  if (isPage(refusal)) return 'It sent a web page instead of an answer.';
  const said = readErrorText(text);
  return said === '' ? 'It gave no reason.' : cut(said);
}

function decideRemedy(refusal: Refusal): string {
  const { status, key, retryAfter, text } = refusal;
  if (status === 401 || status === 403) return key === null ? 'Give its key under Settings, Local API and servers.' : 'Check the key under Settings, Local API and servers.';
  if (status >= 300 && status < 400) return 'Enter the address that it names, if you trust it: the key is not sent there by itself.';
  if (status === 429) return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? `Try again in ${retryAfter} s.` : 'Wait a while, then try again.';
  if (status === 503 && /load/i.test(text)) return 'It is still loading. Try again shortly.';
  if (isPage(refusal) || status === 404 || status === 405) return 'Choose a model that it offers, or correct its address (most end in /v1).';
  if (status === 413) return 'Shorten the text.';
  if (status === 400 || status === 422) return 'Change what it names, or choose another model.';
  return status >= 500 ? 'Look into the log of that server, then try again.' : 'Check the address: it has to be a server with the API of OpenAI.';
}

/** The sentence in any of the shapes that servers give errors; the text itself where it is none of them. */
export function readErrorText(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  return sentenceOf(value, 0) ?? '';
}

function sentenceOf(value: unknown, depth: number): string | null {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > 4) return null;
  if (Array.isArray(value)) return sentenceOf(value[0], depth + 1);
  const named: Record<string, unknown> = { ...value };
  for (const key of ['error', 'message', 'detail', 'msg']) {
    const found = sentenceOf(named[key], depth + 1);
    if (found !== null && found !== '') return found;
  }
  return null;
}

function cut(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)} …` : line;
}
