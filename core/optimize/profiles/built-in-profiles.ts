import type { Profile } from '../../../contract/optimize.ts';

/** A set without what was measured of it. */
export type PlainProfile = Omit<Profile, 'effects'>;

/** Only what may help on some hardware is in a set; each is measured as a whole, because effects do not multiply. */
export const builtInProfiles: readonly PlainProfile[] = [
  {
    id: 'voice_processing',
    title: 'Voice',
    what: 'Convolutions of fixed shapes and small steps in FP32, as speech recognition and synthesis have them. Delays of under 200 ms depend on recognition, language model and synthesis together: measure your own program.',
    builtIn: true,
    toggles: [{ toggleId: 'tf32', value: 'high' }, { toggleId: 'cudnn_benchmark', value: 'on' }, { toggleId: 'channels_last', value: 'on' }],
  },
  {
    id: 'llm_inference',
    title: 'LLM inference',
    what: 'Writing with a model in PyTorch: each token is many small kernels, so translating them counts most. For llama.cpp use Tune.',
    builtIn: true,
    toggles: [{ toggleId: 'tf32', value: 'high' }, { toggleId: 'compile', value: 'default' }],
  },
  {
    id: 'training',
    title: 'Training',
    what: 'A transformer in FP32 trained in mixed precision: BF16 where it is safe, compiled, with the fused optimiser.',
    builtIn: true,
    toggles: [{ toggleId: 'tf32', value: 'high' }, { toggleId: 'autocast', value: 'bf16' }, { toggleId: 'compile', value: 'default' }, { toggleId: 'fused_optimizer', value: 'on' }, { toggleId: 'expandable_segments', value: 'on' }],
  },
];

/** Workload with which a set is measured unless another is asked for. */
export const profileWorkloads: Readonly<Record<string, string>> = { voice_processing: 'convolution', llm_inference: 'generate', training: 'training-step' };
