import { decideTorchNeeds, type TorchNeeds } from './availability.ts';
import { auditRow, defineToggle } from './toggle-definition.ts';

const kernels = {
  flash: { title: 'Flash', name: 'FLASH_ATTENTION', needs: { torch: '2.3', capability: '8.0' } },
  efficient: { title: 'Memory-efficient', name: 'EFFICIENT_ATTENTION', needs: { torch: '2.3', capability: '5.0' } },
  cudnn: { title: 'cuDNN', name: 'CUDNN_ATTENTION', needs: { torch: '2.5', capability: '8.0' } },
  math: { title: 'Math (plain matrix products)', name: 'MATH', needs: { torch: '2.3' } },
} as const satisfies Record<string, { readonly title: string; readonly name: string; readonly needs: TorchNeeds }>;
const kernelOf = (value: string): (typeof kernels)[keyof typeof kernels] => kernels[value as keyof typeof kernels] ?? kernels.flash;

export const sdpa = defineToggle({
  toggle: {
    id: 'sdpa',
    group: 'attention',
    title: 'Attention kernel of SDPA',
    what: 'Which kernel computes scaled_dot_product_attention. Left alone, PyTorch chooses one by GPU, type and shape.',
    since: 'PyTorch 2.3',
    needs: ['compute capability 8.0 (flash, cuDNN)'],
    risk: 'none',
    changesResults: 'rounding',
    means: 'code',
    values: Object.entries(kernels).map(([id, { title }]) => ({ id, title })),
    applied: 'with torch.nn.attention.sdpa_kernel(…) around the model.',
    undone: 'Leave the context manager out: PyTorch chooses again.',
    claim: {
      said: 'Install flash-attn and set use_flash_attention_2=True; SDPA is 10× faster than plain attention.',
      truth: 'SDPA brings its own flash kernel: nothing to install, and the flag is deprecated. Against plain matrix products 6 to 9× on an A100; on an H200 at 4096 tokens flash 20× and cuDNN 37×. Forcing a kernel that PyTorch would have chosen gains nothing.',
      source: auditRow(27, 104),
    },
    notOffered: null,
    workloads: ['attention', 'training-step-bf16'],
  },
  inPython: 'hook',
  decideAvailable: (facts, value) => decideTorchNeeds(facts, value === undefined ? { torch: '2.3' } : kernelOf(value).needs),
  snippet: (value) => `import torch\nfrom torch.nn.attention import SDPBackend, sdpa_kernel\n\nwith sdpa_kernel(SDPBackend.${kernelOf(value).name}):\n    ...  # the model runs here`,
});
