/**
 * Answers that the library's own chat computes: calls of tools, and templates that decide by what the model writes
 * first. The prompt is fed by us, so that a stop is heard.
 */
import { randomUUID } from 'node:crypto';
import type { ChatWrapper, ChatWrapperGenerateContextStateOptions, LlamaChatResponseChunk } from 'node-llama-cpp';
import type { FinishReason, GenerateRequest } from '../../contract/inference.ts';
import type { WorkerGenerateResult } from '../../contract/inference-worker.ts';
import { toChatHistory } from './chat-history.ts';
import { abortReason, type AnswerJob } from './generate-answer.ts';
import { feedPrompt } from './feed-prompt.ts';
import type { Library } from './library.ts';
import { createPieceJoiner } from './piece-joiner.ts';

export async function generateWithLibrary(job: AnswerJob): Promise<WorkerGenerateResult> {
  const { engine, slot, signal, plan, send, prompt } = job;
  const { request } = job.input;
  const joiner = createPieceJoiner(send, false);
  const total = prompt.tokens.length;
  const promptStartedAtMs = performance.now();
  const fed = await feedPrompt(slot, prompt.tokens, { chunk: engine.input.promptChunk, signal, onProgress: (done) => send({ t: 'prompt', done, total }) });
  const draftsBefore = slot.drafts();
  let answerTokens = 0;
  let firstTokenAtMs: number | null = null;
  let lastTokenAtMs: number | null = null;
  const counted = (count: number): void => {
    if (count === 0) return;
    lastTokenAtMs = performance.now();
    answerTokens += count;
    if (firstTokenAtMs === null) {
      firstTokenAtMs = lastTokenAtMs;
      send({ t: 'prompt', done: total, total });
    }
  };
  const room = Math.max(1, engine.usableTokens - total);
  const maxTokens = Math.min(room, request.maxTokens ?? Infinity);
  let used = total;
  const release = job.spin.hold();
  const reason = await slot
    .withSequence(async (sequence): Promise<FinishReason> => {
      if (signal.aborted) return abortReason(signal);
      const chat = new engine.library.LlamaChat({ contextSequence: sequence, chatWrapper: request.toolChoice === 'required' ? demandCall(engine.library, engine.template.wrapper) : engine.template.wrapper });
      const onResponseChunk = (chunk: LlamaChatResponseChunk): void => {
        counted(chunk.tokens.length);
        if (signal.aborted || chunk.text === '') return;
        joiner.add({ channel: chunk.type === 'segment' && chunk.segmentType === 'thought' ? 'thinking' : 'answer', text: chunk.text, tokens: chunk.tokens.length, logprobs: [] });
      };
      try {
        const { penalty } = plan;
        const common = {
          signal,
          stopOnAbortSignal: true,
          maxTokens,
          temperature: plan.temperature,
          topK: plan.topK,
          topP: plan.topP,
          minP: plan.minP,
          seed: plan.seed,
          repeatPenalty: penalty === null ? (false as const) : { lastTokens: penalty.lastTokens, penalty: penalty.repeat, presencePenalty: penalty.presence, frequencyPenalty: penalty.frequency },
          ...(request.stop.length === 0 ? {} : { customStopTriggers: request.stop }),
          onResponseChunk,
        };
        const history = toChatHistory(prompt.turns ?? []);
        const made = await chat.generateResponse(history, prompt.functions === undefined ? common : { ...common, functions: prompt.functions, documentFunctionParams: true, onFunctionCallParamsChunk: () => counted(1) });
        for (const call of made.functionCalls ?? []) {
          joiner.flush();
          const params: unknown = call.params;
          send({ t: 'tool_call', call: { id: `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`, name: call.functionName, arguments: JSON.stringify(params ?? {}) } });
        }
        return finishReason(made.metadata.stopReason, maxTokens, request, signal);
      } finally {
        used = sequence.nextTokenIndex;
        chat.dispose({ disposeSequence: false });
      }
    })
    .finally(release);
  joiner.flush();
  const drafts = slot.drafts();
  return {
    reason,
    promptTokens: total,
    cachedTokens: fed.cached,
    answerTokens,
    receivedAtMs: job.receivedAtMs,
    promptStartedAtMs,
    promptDoneAtMs: firstTokenAtMs,
    firstTokenAtMs,
    lastTokenAtMs,
    contextUsed: Math.max(used, total),
    turnsDropped: prompt.turnsDropped,
    drafted: drafts === null ? null : drafts.drafted - (draftsBefore?.drafted ?? 0),
    accepted: drafts === null ? null : drafts.accepted - (draftsBefore?.accepted ?? 0),
  };
}

type StopReason = 'eogToken' | 'stopGenerationTrigger' | 'functionCalls' | 'maxTokens' | 'abort' | 'customStopTrigger';

function finishReason(stop: StopReason, maxTokens: number, request: GenerateRequest, signal: AbortSignal): FinishReason {
  if (stop === 'functionCalls') return 'tool_calls';
  if (stop === 'abort') return abortReason(signal);
  if (stop === 'maxTokens') return maxTokens === request.maxTokens ? 'length' : 'context_full';
  return 'stop';
}

/** The same template, with a call begun already: the model can only go on with it. */
function demandCall(library: Library, wrapper: ChatWrapper): ChatWrapper {
  const { call, parallelism } = wrapper.settings.functions;
  const begin = library.LlamaText([parallelism?.call.sectionPrefix ?? '', call.prefix]);
  return new Proxy(wrapper, {
    get(target, property): unknown {
      if (property === 'generateContextState') {
        return (options: ChatWrapperGenerateContextStateOptions) => {
          const { contextText, stopGenerationTriggers } = target.generateContextState(options);
          return { contextText, stopGenerationTriggers, prefixTriggers: [], noPrefixTrigger: { type: 'functionCall', inject: begin } };
        };
      }
      return Reflect.get(target, property, target);
    },
  });
}
