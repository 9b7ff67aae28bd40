/** What is asked for in guides and is no switch: why it is not offered, and what to do instead. */
export interface Refusal {
  readonly id: string;
  readonly asked: string;
  readonly reason: string;
  readonly instead: string | null;
}

export const refusals: readonly Refusal[] = [
  { id: 'nightly_cu121', asked: 'PyTorch nightly from the cu121 index', reason: 'Builds for CUDA 12.1 and 12.4 have no kernels for sm_120: the card stays unusable.', instead: 'The upgrade of Warpdeck; the first stable build with sm_120 is 2.7.0+cu128.' },
  { id: 'conda_cuda_121', asked: 'conda nightly with pytorch-cuda=12.1', reason: 'The same: no kernels for sm_120, and the channel is discontinued.', instead: 'The upgrade of Warpdeck.' },
  { id: 'flash_attention_2', asked: 'use_flash_attention_2=True', reason: 'Deprecated, and it needs a package built for the GPU.', instead: 'The attention kernel of SDPA, which needs nothing.' },
  { id: 'half_twice', asked: 'model.half() after loading in float16', reason: 'The weights are float16 already: nothing happens.', instead: 'Autocast, for a model in FP32.' },
  { id: 'device_map', asked: 'device_map and max_memory', reason: 'They divide a model that does not fit; one that fits gains nothing.', instead: 'The memory estimate of a model says what fits.' },
  { id: 'early_stopping', asked: 'early_stopping and length_penalty=1.0', reason: 'They exist with several beams only; with one, the default, they do nothing.', instead: null },
  { id: 'recompile_limit', asked: 'torch._dynamo cache_size_limit = 1000', reason: 'It allows more translations and can hide that every call translates anew.', instead: 'TORCH_LOGS=recompiles says why code is translated again.' },
  { id: 'tf32_override', asked: 'NVIDIA_TF32_OVERRIDE=1', reason: 'It changes digits while PyTorch still reports TF32 as off: nobody could see why results differ.', instead: 'TF32 for FP32 matmul.' },
  { id: 'max_connections', asked: 'CUDA_DEVICE_MAX_CONNECTIONS', reason: 'A need of Megatron on older GPUs; nothing to gain on one GPU.', instead: null },
  { id: 'no_memory_caching', asked: 'PYTORCH_NO_CUDA_MEMORY_CACHING=1', reason: 'For finding faults; it makes every allocation slow.', instead: null },
  { id: 'launch_blocking', asked: 'CUDA_LAUNCH_BLOCKING=1', reason: 'For finding faults; it makes every kernel wait.', instead: null },
  { id: 'mig', asked: 'MIG on a GeForce card', reason: 'Only datacentre GPUs and the RTX PRO 6000, 5000 and 4500 Blackwell can be divided.', instead: null },
  { id: 'confidential', asked: 'Confidential computing on a GeForce card', reason: 'Only datacentre GPUs and RTX PRO server cards have it.', instead: null },
  { id: 'mxfp8', asked: 'MXFP8 with Transformer Engine on compute capability 12.0', reason: 'Transformer Engine refuses it there: its block-scaled kernels are built for 10.0.', instead: 'FP8 with one scale per tensor.' },
  { id: 'nvfp4', asked: 'NVFP4', reason: 'It changes a model\'s quality and comes with its own runtime: no switch.', instead: null },
  { id: 'mul_mat_q', asked: 'mul_mat_q', reason: 'Gone from llama.cpp: the kernels that it chose are always used. Wrappers swallow the word without effect.', instead: null },
  { id: 'low_vram', asked: 'low_vram', reason: 'Gone from llama.cpp. Wrappers swallow the word without effect.', instead: 'Fewer GPU layers, or a quantised KV cache.' },
  { id: 'continuous_batching', asked: 'Continuous batching', reason: 'It is on whenever several requests are answered; one alone gets no faster.', instead: 'Parallel answers among the model\'s settings.' },
  { id: 'gpu_layers', asked: 'n_gpu_layers', reason: 'No switch to measure but a setting that is right by itself: Warpdeck puts all layers on the GPU that fit, and says so.', instead: 'The badge beside each model says where its layers are.' },
  { id: 'speculative_decoding', asked: 'Speculative decoding', reason: 'It needs a second model of the same vocabulary: a choice for each model.', instead: 'Draft model among the model\'s settings.' },
  { id: 'tfs', asked: 'Tail-free sampling', reason: 'Gone from llama.cpp.', instead: null },
  { id: 'qk_norm', asked: 'QK-normalisation', reason: 'Part of a model, not a switch: it has to be trained with it. The perplexities 632 and 152 are those of barely trained models.', instead: 'Compare two trainings at equal tokens with several seeds.' },
  { id: 'attention_heads', asked: 'MQA, GQA 4:1 and 8:1', reason: 'Part of a model, not a switch.', instead: 'A training plan compares them.' },
  { id: 'rope_swiglu', asked: 'RoPE, SwiGLU, learned embeddings, RMSNorm', reason: 'Part of a model, not a switch; compiled, their cost is close to nothing.', instead: 'A training plan compares them.' },
  { id: 'sliding_window', asked: 'Sliding window by a mask', reason: 'Part of a model; a mask leaves the fast path. With flex attention it is fast.', instead: null },
  { id: 'fused_layers', asked: 'Fused QKV and fused MLP', reason: 'Part of a model\'s code. 1.84× is one projection, not a step.', instead: 'torch.compile fuses what can be fused.' },
  { id: 'vocabulary', asked: 'A vocabulary of a power of two', reason: 'Part of a model; a multiple of 64 or 128 is enough.', instead: null },
  { id: 'future', asked: 'Multi-token prediction, flash attention 3, mixtures of experts, ring attention', reason: 'Models and kernels of their own, not switches of a program that exists.', instead: null },
];
