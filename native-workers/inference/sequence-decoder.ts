/** The decoder on the library's public interface, with or without a draft model. */
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { Decoder, DecodedToken, SamplingPlan, Slot } from './decoder.ts';

export function createSequenceDecoder(sequences: readonly LlamaContextSequence[]): Decoder {
  return { name: 'sequence', slots: sequences.map((sequence, index) => createSlot(sequence, index)) };
}

function createSlot(sequence: LlamaContextSequence, index: number): Slot {
  return {
    index,
    tokens: () => sequence.contextTokens,
    async keep(length) {
      // Moving of cache cells is left off: it changes what the model sees.
      if (length < sequence.nextTokenIndex) await sequence.adaptStateToTokens(sequence.contextTokens.slice(0, length), false);
      if (sequence.nextTokenIndex > length) await sequence.eraseContextTokenRanges([{ start: length, end: sequence.nextTokenIndex }]);
    },
    feed: (tokens) => sequence.evaluateWithoutGeneratingNewTokens([...tokens]),
    decode(tokens, plan) {
      const wantLogprobs = plan.topLogprobs !== null;
      const fed = [...tokens];
      // Our own list: the library's lacks the tokens that are just being fed.
      const seen = plan.penalty === null ? [] : [...sequence.contextTokens, ...fed];
      const options = evaluateOptions(seen, plan);
      const plain = wantLogprobs ? null : sequence.evaluate(fed, options);
      const told = wantLogprobs ? sequence.evaluateWithMetadata(fed, { probabilities: true, confidence: true }, options) : null;
      return {
        async next() {
          if (plain !== null) {
            const step = await plain.next();
            if (step.done === true) throw new Error('The engine computed no token.');
            if (plan.penalty !== null) seen.push(step.value);
            return { token: step.value, logprobs: null };
          }
          const step = await told?.next();
          if (step === undefined || step.done === true) throw new Error('The engine computed no token.');
          if (plan.penalty !== null) seen.push(step.value.token);
          return toDecoded(step.value.token, step.value.confidence, step.value.probabilities, plan.topLogprobs ?? 0);
        },
        async end() {
          await (plain ?? told)?.return();
        },
      };
    },
    drafts() {
      if (sequence.tokenPredictor === undefined) return null;
      const { validated, refuted } = sequence.tokenPredictions;
      return { drafted: validated + refuted, accepted: validated };
    },
    withSequence: (use) => use(sequence),
  };
}

function toDecoded(token: Token, confidence: number, probabilities: ReadonlyMap<Token, number>, top: number): DecodedToken {
  const likeliest = [...probabilities].slice(0, top).map(([other, probability]) => ({ token: other, logprob: Math.log(probability) }));
  return { token, logprobs: { own: Math.log(confidence), top: likeliest } };
}

function evaluateOptions(seen: readonly Token[], plan: SamplingPlan): SequenceEvaluateOptions {
  const { penalty } = plan;
  return {
    temperature: plan.temperature,
    topK: plan.topK,
    topP: plan.topP,
    minP: plan.minP,
    seed: plan.seed,
    yieldEogToken: true,
    ...(plan.grammar === null ? {} : { grammarEvaluationState: plan.grammar }),
    ...(penalty === null
      ? {}
      : {
          repeatPenalty: {
            punishTokens: () => seen.slice(-penalty.lastTokens),
            maxPunishTokens: penalty.lastTokens,
            penalty: penalty.repeat,
            presencePenalty: penalty.presence,
            frequencyPenalty: penalty.frequency,
          },
        }),
  };
}
