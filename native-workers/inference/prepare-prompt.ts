import type { ChatModelFunctions, Token } from 'node-llama-cpp';
import type { ChatTurn, GenerateRequest } from '../../contract/inference.ts';
import type { RenderedChat } from './chat-template.ts';
import type { Engine } from './engine.ts';
import { fitTurns } from './fit-turns.ts';
import { toFunctions } from './to-functions.ts';

export interface PreparedPrompt extends RenderedChat {
  /** Those that were kept; null: raw text. */
  readonly turns: readonly ChatTurn[] | null;
  readonly functions: ChatModelFunctions | undefined;
  readonly turnsDropped: number;
}

/** Of the context, so much is left for the answer when turns are left out. */
const ANSWER_SHARE = 1 / 4;

/** Tokens of a request. They may be too many: without `mayShift`, or where even the last turn is. */
export function preparePrompt(engine: Engine, request: GenerateRequest): PreparedPrompt {
  if (request.turns === null) {
    return { tokens: rawTokens(engine, request.prompt ?? ''), stopTokens: new Set(), stopTexts: [], needsLibrary: false, startsThinking: false, turns: null, functions: undefined, turnsDropped: 0 };
  }
  const functions = request.tools.length === 0 || request.toolChoice === 'none' ? undefined : toFunctions(request.tools);
  const render = (turns: readonly ChatTurn[]): RenderedChat => closeThinking(engine, request, engine.template.render(turns, functions));
  const whole = { ...render(request.turns), turns: request.turns, functions, turnsDropped: 0 };
  const room = answerRoom(engine, request);
  if (!request.mayShift || whole.tokens.length <= engine.usableTokens - room) return whole;
  const fitted = fitTurns(request.turns, engine.usableTokens - room, render) ?? fitTurns(request.turns, engine.usableTokens, render);
  return fitted === null ? whole : { ...fitted.rendered, turns: fitted.turns, functions, turnsDropped: fitted.dropped };
}

/** The same with more turns left out, so that what is answered already fits with room to go on; null: no more can go. */
export function refitPrompt(engine: Engine, request: GenerateRequest, prompt: PreparedPrompt, answered: number): PreparedPrompt | null {
  if (prompt.turns === null) return null;
  const fitted = fitTurns(prompt.turns, engine.usableTokens - answered - answerRoom(engine, request), (turns) => closeThinking(engine, request, engine.template.render(turns, prompt.functions)));
  if (fitted === null || fitted.dropped === 0) return null;
  return { ...fitted.rendered, turns: fitted.turns, functions: prompt.functions, turnsDropped: prompt.turnsDropped + fitted.dropped };
}

/** A grammar leaves no room for thinking: what the template has opened is closed again. */
function closeThinking(engine: Engine, request: GenerateRequest, chat: RenderedChat): RenderedChat {
  const close = engine.template.marks?.close;
  if (!chat.startsThinking || (request.jsonSchema === null && request.grammar === null) || close == null) return chat;
  return { ...chat, tokens: [...chat.tokens, ...engine.model.tokenize(`${close}\n\n`, true)], startsThinking: false };
}

function answerRoom(engine: Engine, request: GenerateRequest): number {
  return Math.max(1, Math.min(request.maxTokens ?? Infinity, Math.floor(engine.usableTokens * ANSWER_SHARE)));
}

/** Raw text, its special tokens understood, begun as the vocabulary asks. Never empty: something must be computed. */
function rawTokens(engine: Engine, text: string): Token[] {
  const { bos, eos, nl, shouldPrependBosToken } = engine.model.tokens;
  const tokens = engine.model.tokenize(text, true);
  if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos);
  const begin = bos ?? eos ?? nl;
  if (tokens.length === 0 && begin !== null) tokens.push(begin);
  return tokens;
}
