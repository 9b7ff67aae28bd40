import { createHash } from 'node:crypto';
import type { ChatTemplate } from '../../../contract/models.ts';

/** Longer than any that is in use (the longest known is about 20 KB); llama.cpp's parser recurses over it. */
const MAX_CHARACTERS = 65_536;
/** 6,000 nested brackets end the process that parses them; known templates nest 6 deep. */
const MAX_NESTING = 100;
/** More statements in one another than a template ever needs. */
const MAX_BLOCKS = 64;
/** Steps of a loop over numbers: templates count turns and tools, not millions. */
const MAX_STEPS = 100_000;

const families: readonly (readonly [family: string, marks: readonly string[]])[] = [
  ['gpt-oss (Harmony)', ['<|start|>', '<|channel|>']],
  ['Llama 4', ['<|header_start|>']],
  ['Llama 3', ['<|start_header_id|>']],
  ['ChatML', ['<|im_start|>']],
  ['Gemma', ['<start_of_turn>']],
  ['Mistral', ['[INST]', '[/INST]']],
  ['Phi 3', ['<|assistant|>', '<|end|>']],
  ['GLM 4', ['[gMASK]']],
  ['DeepSeek', ['<｜Assistant｜>']],
  ['Command R', ['<|START_OF_TURN_TOKEN|>']],
  ['Granite', ['<|start_of_role|>']],
  ['Zephyr', ['<|user|>', '<|assistant|>']],
  ['Vicuna', ['USER:', 'ASSISTANT:']],
  ['Alpaca', ['### Instruction:', '### Response:']],
];

/** Judges a chat template by its text, without running it. Pure. */
export function checkTemplate(text: string): ChatTemplate {
  return {
    sha256: createHash('sha256').update(text).digest('hex'),
    characters: text.length,
    family: families.find(([, marks]) => marks.every((mark) => text.includes(mark)))?.[0] ?? null,
    tools: /\btools?\b/.test(text) && /\btool_calls?\b|\btools\b/.test(text),
    refused: refuse(text),
  };
}

/** Why this template must not reach an interpreter; null: it may. */
function refuse(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return `It is ${text.length} characters long; at most ${MAX_CHARACTERS} are used.`;
  const depth = deepestNesting(text);
  if (depth > MAX_NESTING) return `It nests ${depth} brackets; at most ${MAX_NESTING} are used.`;
  const blocks = deepestBlocks(text);
  if (blocks > MAX_BLOCKS) return `It nests ${blocks} statements; at most ${MAX_BLOCKS} are used.`;
  const steps = countSteps(text);
  if (steps > MAX_STEPS) return `Its loops could take ${steps === Infinity ? 'endless' : steps} steps.`;
  if (/__(?:class|mro|subclasses|globals|builtins|proto)__|(?:\.\s*|\[\s*['"])constructor\b/.test(text)) return 'It reaches for what lies behind its interpreter.';
  return null;
}

/** Brackets in one another; a chain of unary operators counts too, because a parser recurses over it just the same. */
function deepestNesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === '(' || character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ')' || character === ']' || character === '}') depth = Math.max(0, depth - 1);
  }
  for (const [chain] of text.matchAll(/(?:\bnot\s{1,4}){101,}|(?:[-+~]\s{0,4}){201,}/g)) deepest = Math.max(deepest, chain.match(/not|[-+~]/g)?.length ?? 0);
  return deepest;
}

function deepestBlocks(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [, word] of text.matchAll(/\{%-?\s*(\w+)/g)) {
    if (word === 'for' || word === 'if' || word === 'macro' || word === 'filter' || word === 'call') deepest = Math.max(deepest, ++depth);
    else if (word?.startsWith('end') === true) depth = Math.max(0, depth - 1);
  }
  return deepest;
}

/**
 * What the loops over numbers could come to at worst: the numbers inside each `range(…)` multiplied, as if the ranges stood
 * in one another. A number that is given to a name counts where there is a range at all. Turns and tools are not numbers.
 */
function countSteps(text: string): number {
  const numbers = (part: string): number[] => [...part.matchAll(/\d[\d_]*/g)].map(([digits]) => Number(digits.replaceAll('_', '')));
  const ranges = [...text.matchAll(/\brange\s*\(([^%}]{0,200})/g)].map(([, inside]) => inside ?? '');
  if (ranges.some((inside) => inside.includes('**'))) return Infinity;
  const product = ranges.map((inside) => numbers(inside).filter((n) => n > 1).reduce((a, b) => a * b, 1)).reduce((a, b) => a * b, 1);
  const assigned = [...text.matchAll(/[^=!<>]=(?!=)\s*([^%}]{0,100})/g)].flatMap(([, value]) => numbers(value ?? ''));
  const elsewhere = ranges.length === 0 ? [] : assigned.filter((n) => n > MAX_STEPS);
  const repeated = [...text.matchAll(/['"\])]\s*\*\s*(\d[\d_]*)/g)].flatMap(([, factor]) => numbers(factor ?? ''));
  return Math.max(product, ...elsewhere.slice(0, 100), ...repeated.slice(0, 100));
}
