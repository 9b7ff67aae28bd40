import type { EngineSettingNote } from '../../../contract/inference.ts';

/**
 * What each engine setting is. Speeds are measured ones (llama.cpp's own reports and ours; see the claims audit in the
 * project's performance notes), not promises. `changesAnswer`: the same prompt and seed may give other words.
 */
export const settingNotes: readonly EngineSettingNote[] = [
  { key: 'backend', flag: null, title: 'Backend', does: 'Which build of llama.cpp computes: CUDA, Vulkan or the CPU. "auto" takes the first that works here, in this order. One that is named is used, or a problem is shown. Rounding differs between backends, so long answers may part.', changesAnswer: true, unit: null },
  { key: 'devices', flag: '--device', title: 'GPUs', does: 'On which GPUs it runs. Over several, layers are divided: memory adds up, the speed of one answer does not.', changesAnswer: false, unit: null },
  { key: 'gpuLayers', flag: '-ngl', title: 'GPU layers', does: 'Layers that lie on the GPU. Every layer that does not is computed by the processor and makes each token several times slower. Leave it open for all that fit.', changesAnswer: true, unit: 'layers' },
  { key: 'contextTokens', flag: '-c', title: 'Context', does: 'How much text it sees at once: prompt, conversation and answer. Costs memory; an empty part of it costs no time, a filled one is read for every token. More than the trained length gives worse answers.', changesAnswer: true, unit: 'tokens' },
  { key: 'batch', flag: '-b', title: 'Batch', does: 'Prompt tokens that are computed at once: this engine uses one size for what llama.cpp calls batch (-b) and micro-batch (-ub). Only for reading prompts; a larger one needs more memory. No effect on the speed of writing.', changesAnswer: false, unit: 'tokens' },
  { key: 'threads', flag: '-t', title: 'Threads', does: 'Processor threads. On a GPU one is enough; on a processor one fewer than its cores. More threads than cores make it up to 100 times slower.', changesAnswer: false, unit: 'threads' },
  { key: 'flashAttention', flag: '-fa', title: 'Flash attention', does: 'Computes attention in pieces. Faster, the more so the longer the context (an H200 with a 7B model: +19 % writing, +11 % reading), and takes less memory. A quantised V cache needs it. Rounding differs slightly.', changesAnswer: true, unit: null },
  { key: 'cacheTypeK', flag: '-ctk', title: 'K cache type', does: 'How the keys of the context are stored. q8_0 halves their memory against f16 at little loss; smaller types lose more. It saves memory, it rarely brings speed, and some types are slower.', changesAnswer: true, unit: null },
  { key: 'cacheTypeV', flag: '-ctv', title: 'V cache type', does: 'How the values of the context are stored. As for K; anything below f16 needs flash attention.', changesAnswer: true, unit: null },
  { key: 'mmap', flag: '--no-mmap', title: 'Map the file', does: 'The file is mapped instead of read: loading is quicker the second time, and programs share the memory. Switch it off on network drives.', changesAnswer: false, unit: null },
  { key: 'mlock', flag: '--mlock', title: 'Lock in memory', does: 'The system may not move the weights out of memory. Needs the right to lock that much.', changesAnswer: false, unit: null },
  { key: 'parallel', flag: '-np', title: 'Parallel answers', does: 'Requests that are answered at the same time, each with a context of its own and the memory for it. One answer alone gets no faster; several together do.', changesAnswer: false, unit: 'answers' },
  { key: 'draftModel', flag: '-md', title: 'Draft model', does: 'A small model of the same vocabulary guesses ahead and the large one checks: what it writes stays its own. Worth it for dense models of 14B or more (27B measured: 1.5 to 1.8 times as fast); about nothing for mixtures of experts with few active parameters.', changesAnswer: false, unit: null },
  { key: 'draftTokens', flag: '--draft-max', title: 'Draft tokens', does: 'How many tokens are guessed at a time. More only pays where most guesses are right.', changesAnswer: false, unit: 'tokens' },
  { key: 'checkTensors', flag: '--check-tensors', title: 'Check the weights', does: 'Looks at every weight for values that are no numbers before it is used. Takes as long as reading the file; left open, it is done on a file\'s first load.', changesAnswer: false, unit: null },
];
