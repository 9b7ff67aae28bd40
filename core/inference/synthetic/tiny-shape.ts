import type { SyntheticShape } from './synthetic-shape.ts';

/** ChatML, as SmolLM2 and Qwen have it, in its plainest form. */
const chatMl = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/**
 * The smallest model that goes through all of llama.cpp's ways: about 0.5 MB, quantised, grouped heads. Rows of 256
 * and heads of 64 are what the GPU kernels (matrix-vector products, flash attention) are made for.
 */
export const tinyShape: SyntheticShape = {
  architecture: 'llama', name: 'Warpdeck tiny', contextTrained: 4096,
  layers: 2, embeddingLength: 256, feedForward: 256, heads: 4, kvHeads: 2, headLength: 64, vocabulary: 512, experts: null,
  types: { inputEmbedding: 'Q4_0', output: 'Q8_0', layers: [{ most: 'Q4_0', fine: 'Q4_0' }] },
  chatTemplate: chatMl,
};
