import { z } from 'zod';
import { finishReason, generationFigures, gpuTruth, role, someEngineSettings, someSampling } from './inference.ts';
import { problem } from './problem.ts';

/** Which model answers, and how. */
export const answerer = z.object({
  /** null: a model of this machine; else a provider's id. */
  provider: z.string().max(128).nullable().default(null),
  /** Id of a model here, or a name at the provider; null: the default one. */
  model: z.string().max(4096).nullable().default(null),
  settings: someEngineSettings.default({}),
  sampling: someSampling.default({}),
  maxTokens: z.int().min(1).max(1_000_000).nullable().default(null),
  /** The answer follows this JSON schema, or this GBNF grammar; at most one. */
  jsonSchema: z.string().max(200_000).nullable().default(null),
  grammar: z.string().max(200_000).nullable().default(null),
});
export type Answerer = z.infer<typeof answerer>;

/** Text files that go with a message, in full. */
export const attachment = z.object({ name: z.string().min(1).max(255), text: z.string().max(4_000_000) });
export type Attachment = z.infer<typeof attachment>;

export const message = z.object({
  id: z.string(),
  /** What it follows; null: it begins the conversation. Several messages with one parent are branches. */
  parentId: z.string().nullable(),
  role,
  content: z.string(),
  thinking: z.string(),
  /** Tokens of `thinking`; absent: not counted. */
  thinkingTokens: z.int().optional(),
  attachments: z.array(z.object({ name: z.string(), characters: z.int() })),
  atMs: z.number(),
  /** Only the beginnings of its texts are here; so long they are. A page of one message (`limit` 1) cuts nothing. */
  cut: z.object({ characters: z.int(), thinkingCharacters: z.int() }).optional(),
  /** An answer only. */
  answer: z.object({
    state: z.enum(['queued', 'loading', 'prompt', 'writing', 'done']),
    modelName: z.string(),
    provider: z.string().nullable(),
    reason: finishReason.nullable(),
    figures: generationFigures.nullable(),
    truth: gpuTruth.nullable(),
    problem: problem.nullable(),
  }).nullable(),
});
export type Message = z.infer<typeof message>;

export const conversation = z.object({
  id: z.string(),
  title: z.string(),
  /** The title was made from the first message, not given. */
  titleIsOurs: z.boolean(),
  createdAtMs: z.number(),
  changedAtMs: z.number(),
  messages: z.int(),
  /** In a list cut to 2,000 characters: read a page before changing it. */
  systemPrompt: z.string().max(1_000_000),
  answerer,
  /** The last message of the branch that is shown. To show another branch give any message of it: the newest that follows it is taken. */
  headId: z.string().nullable(),
  /** The answer that is being written. */
  writingId: z.string().nullable(),
});
export type Conversation = z.infer<typeof conversation>;

/** A part of the shown branch: messages from the root to the head, oldest first. */
export const conversationPage = z.object({
  conversation,
  messages: z.array(message),
  /** Place of the first of them in the branch. */
  from: z.int(),
  /** Of the branch. */
  total: z.int(),
  /** For each message with siblings: their ids in order of time, itself included. */
  branches: z.record(z.string(), z.array(z.string())),
});
export type ConversationPage = z.infer<typeof conversationPage>;

export const conversationHit = z.object({ conversationId: z.string(), messageId: z.string().nullable(), title: z.string(), /** Text around the hit. */ before: z.string(), hit: z.string(), after: z.string(), atMs: z.number() });
export type ConversationHit = z.infer<typeof conversationHit>;

export const sendInput = z.object({
  conversationId: z.string().min(1).max(128),
  /** What it follows; null: the head of the shown branch. To edit a message: its parent; '' for a first message, which has none. */
  parentId: z.string().max(128).nullable().default(null),
  content: z.string().max(20_000_000),
  attachments: z.array(attachment).max(32).default([]),
  /** Files of a message of this conversation that go with this one too, before `attachments`: an edited message keeps its own. Places in its `attachments`, from 0. */
  kept: z.object({ messageId: z.string().min(1).max(128), places: z.array(z.int().min(0)).max(32) }).optional(),
});
export type SendInput = z.infer<typeof sendInput>;

/** What an open conversation tells while an answer is written. Deltas, in order, from where the reader is. */
export const chatEvent = z.discriminatedUnion('t', [
  /** First, and whenever messages came or went: read the page again. */
  z.object({ t: z.literal('changed'), conversation }),
  /** The answer so far, when one attaches in the middle. */
  z.object({ t: z.literal('so_far'), messageId: z.string(), content: z.string(), thinking: z.string(), tokens: z.int(), thinkingTokens: z.int().optional() }),
  z.object({ t: z.literal('state'), messageId: z.string(), state: z.enum(['queued', 'loading', 'prompt', 'writing']), done: z.number().nullable(), total: z.number().nullable() }),
  z.object({ t: z.literal('text'), messageId: z.string(), text: z.string(), channel: z.enum(['answer', 'thinking']), tokens: z.int(), atMs: z.number() }),
  /** The whole message, as it adds up from `so_far` and `text`. */
  z.object({ t: z.literal('end'), message }),
]);
export type ChatEvent = z.infer<typeof chatEvent>;

export const promptSet = z.object({ id: z.string(), name: z.string().min(1).max(200), prompts: z.array(z.string().min(1).max(1_000_000)).min(1).max(1000), builtIn: z.boolean() });
export type PromptSet = z.infer<typeof promptSet>;

/** One prompt, or a set of them, answered by one to three configurations. */
export const comparisonWish = z.object({
  title: z.string().max(200).nullable().default(null),
  prompts: z.array(z.string().min(1).max(1_000_000)).min(1).max(1000),
  systemPrompt: z.string().max(1_000_000).default(''),
  contenders: z.array(answerer).min(1).max(3),
  /** Answers of each contender to each prompt. */
  repeats: z.int().min(1).max(50).default(1),
  /** `turns`: one after the other, in turns (A B B A …), so that they do not disturb each other; only then times count. */
  order: z.enum(['turns', 'together']).default('turns'),
  /** Names are hidden until the vote. */
  blind: z.boolean().default(false),
});
export type ComparisonWish = z.infer<typeof comparisonWish>;

export const comparisonAnswer = z.object({
  contender: z.int(),
  prompt: z.int(),
  repeat: z.int(),
  state: z.enum(['waiting', 'loading', 'writing', 'done']),
  content: z.string(),
  thinking: z.string(),
  reason: finishReason.nullable(),
  figures: generationFigures.nullable(),
  truth: gpuTruth.nullable(),
  problem: problem.nullable(),
});
export type ComparisonAnswer = z.infer<typeof comparisonAnswer>;

/** A figure of A against B over all answers; ratio B ÷ A of geometric means. */
export const comparisonRow = z.object({
  figure: z.enum(['decode', 'first_token', 'prompt', 'memory', 'energy']),
  unit: z.string(),
  /** By contender: mean with its 95 % interval, and how many answers. */
  values: z.array(z.object({ mean: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable(), n: z.int() })),
  /** Each against the first. */
  against: z.array(z.object({ ratio: z.number().nullable(), low: z.number().nullable(), high: z.number().nullable(), words: z.enum(['faster', 'slower', 'more', 'less', 'no_difference', 'unknown']) })),
});
export type ComparisonRow = z.infer<typeof comparisonRow>;

export const comparison = z.object({
  id: z.string(),
  title: z.string(),
  createdAtMs: z.number(),
  jobId: z.string().nullable(),
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  wish: comparisonWish,
  names: z.array(z.string()),
  answers: z.array(comparisonAnswer),
  rows: z.array(comparisonRow),
  /** `A is 1.53× faster`, or why nothing can be said. */
  sentence: z.string(),
  /** By pair with the first contender: at which character the first answers to the first prompt part; null: they are equal. */
  partAt: z.array(z.int().nullable()),
  /** The contender that was liked best, by prompt. */
  votes: z.array(z.object({ prompt: z.int(), contender: z.int().nullable() })),
  problem: problem.nullable(),
});
export type Comparison = z.infer<typeof comparison>;
