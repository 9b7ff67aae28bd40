/** The model's template: turns to tokens, and what its answers are marked with. Resolved once a load (it takes 0.2–0.5 s). */
import type { ChatModelFunctions, ChatWrapper, LlamaModel, LlamaText, Token } from 'node-llama-cpp';
import type { ChatTurn } from '../../contract/inference.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { WorkerLoadInput } from '../../contract/inference-worker.ts';
import type { FilterOptions } from './answer-filter.ts';
import { toChatHistory } from './chat-history.ts';
import type { Library } from './library.ts';

export interface RenderedChat {
  readonly tokens: Token[];
  readonly stopTokens: ReadonlySet<Token>;
  readonly stopTexts: readonly string[];
  /** The template decides by what the model writes first (Harmony): only the library's own chat follows that. */
  readonly needsLibrary: boolean;
  readonly startsThinking: boolean;
}

export interface ChatTemplate {
  readonly wrapper: ChatWrapper;
  readonly name: string;
  readonly tools: boolean;
  readonly marks: { readonly open: string | null; readonly close: string | null } | null;
  /** Control tokens among the marks. */
  readonly markTokens: ReadonlySet<Token>;
  /** @throws ProblemError `input.invalid` where the template refuses the turns */
  render(turns: readonly ChatTurn[], functions?: ChatModelFunctions): RenderedChat;
}

/** @throws what the library throws where a template cannot be read */
export function resolveChatTemplate(library: Library, model: LlamaModel, choice: WorkerLoadInput['template']): ChatTemplate {
  const source = model.fileInfo.metadata.tokenizer.chat_template;
  const own = choice === 'file' && typeof source === 'string' && source.trim() !== '';
  const wrapper = own
    ? library.resolveChatWrapper(model, { type: 'auto' })
    : (library.resolveChatWrapper({ type: 'auto', architecture: model.fileInfo.metadata.general.architecture, bosString: model.tokens.bosString, tokenizer: model.tokenizer }) ?? new library.GeneralChatWrapper());
  const thought = wrapper.settings.segments?.thought;
  const opensAtStart = typeof thought?.prefix === 'object' && 'type' in thought.prefix && thought.prefix.type === 'openedOnStart';
  const textOf = (text: LlamaText | string | undefined): string | null => {
    if (text === undefined) return null;
    const written = model.detokenize(library.LlamaText(text).tokenize(model.tokenizer), true).trim();
    return written === '' ? null : written;
  };
  const prefix = thought === undefined || (typeof thought.prefix === 'object' && 'type' in thought.prefix) ? undefined : thought.prefix;
  // A wrapper that is equal but for the thinking is taken all the same: then the template itself is asked.
  const written = thought === undefined && own ? parseThinkingMarks(source) : null;
  const marks = thought === undefined ? written : { open: textOf(prefix), close: textOf(thought.suffix) };
  const markTokens = new Set<Token>();
  for (const text of [prefix, thought?.suffix, ...(written === null ? [] : [new library.SpecialTokensText(written.open), new library.SpecialTokensText(written.close)])]) {
    if (text === undefined) continue;
    for (const token of library.LlamaText(text).tokenize(model.tokenizer)) if (model.getTokenAttributes(token).control) markTokens.add(token);
  }
  const keepsBos = own && source.includes('bos_token');

  return {
    wrapper,
    name: wrapper.wrapperName,
    tools: own && /\btools?\b|function_call/.test(source),
    marks,
    markTokens,
    render(turns, functions) {
      const { state, text } = ((): { state: ReturnType<ChatWrapper['generateContextState']>; text: LlamaText } => {
        try {
          const made = wrapper.generateContextState({ chatHistory: toChatHistory(turns), ...(functions === undefined ? {} : { availableFunctions: functions, documentFunctionParams: true }) });
          const inject = thought?.openOnResponseStart === true && !opensAtStart && endsWithQuestion(turns) ? prefix : undefined;
          const begin = inject ?? (written?.opens === true && endsWithQuestion(turns) ? new library.SpecialTokensText(`${written.open}\n`) : undefined);
          return { state: made, text: begin === undefined ? made.contextText : library.LlamaText([made.contextText, begin]) };
        } catch (error) {
          if (error instanceof Error && error.name === 'ProblemError') throw error;
          throw problemError('input.invalid', { detail: `The template of this model refuses the conversation: ${error instanceof Error ? error.message.slice(0, 500) : String(error)}` }, { cause: error });
        }
      })();
      const stopTokens = new Set<Token>();
      const stopTexts: string[] = [];
      for (const trigger of state.stopGenerationTriggers) {
        const tokens = trigger.tokenize(model.tokenizer);
        const [only] = tokens;
        if (tokens.length === 1 && only !== undefined) stopTokens.add(only);
        const written = model.detokenize(tokens, true);
        if (written.trim() !== '' && !stopTexts.includes(written)) stopTexts.push(written);
      }
      return {
        tokens: dropExtraBos(text.tokenize(model.tokenizer), model, keepsBos),
        stopTokens,
        stopTexts,
        needsLibrary: (state.prefixTriggers?.length ?? 0) > 0 || state.noPrefixTrigger !== undefined || state.rerender !== undefined || (state.ignoreStartText?.length ?? 0) > 0,
        startsThinking: endsWithQuestion(turns) && (written?.opens === true || opensAtStart || thought?.openOnResponseStart === true),
      };
    },
  };
}

/** The marks of thinking that a template writes, and whether it opens them at the start of each answer; null: none. */
export function parseThinkingMarks(template: string): { readonly open: string; readonly close: string; readonly opens: boolean } | null {
  for (const [open, close] of [['<think>', '</think>'], ['[THINK]', '[/THINK]']] as const) {
    if (!template.includes(open) || !template.includes(close)) {
      // One that only opens them leaves the closing to the model.
      if (!endsOpen(template, open, close)) continue;
    }
    return { open, close, opens: endsOpen(template, open, close) };
  }
  return null;
}

function endsOpen(template: string, open: string, close: string): boolean {
  const prompt = template.slice(Math.max(0, template.lastIndexOf('add_generation_prompt')));
  return template.includes('add_generation_prompt') && prompt.lastIndexOf(open) > prompt.lastIndexOf(close);
}

/** What the answer filter needs of a template for one answer. */
export function thinkingOf(template: ChatTemplate, startsOpen: boolean): FilterOptions['thinking'] {
  return template.marks === null ? null : { ...template.marks, startsOpen };
}

const endsWithQuestion = (turns: readonly ChatTurn[]): boolean => turns.at(-1)?.role !== 'assistant';

/**
 * The library's wrappers begin with BOS whatever the vocabulary says. One BOS is kept where the file asks for it (or
 * its template writes it), none where it does not.
 */
function dropExtraBos(tokens: Token[], model: LlamaModel, keepsBos: boolean): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  if (bos === null || tokens[0] !== bos) return tokens;
  if (tokens[1] === bos) return tokens.slice(1);
  // A template whose first mark is that same token (ChatML with BOS "<|im_start|>") keeps it: it was no extra one.
  return shouldPrependBosToken || keepsBos ? tokens : dropLoneBos(tokens, model);
}

function dropLoneBos(tokens: Token[], model: LlamaModel): Token[] {
  const text = model.tokens.bosString;
  return text !== null && /start|turn|role/i.test(text) ? tokens : tokens.slice(1);
}
