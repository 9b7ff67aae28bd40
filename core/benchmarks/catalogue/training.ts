import { makeCase, type BenchmarkRecipe } from './benchmark-recipe.ts';

const block = (id: string, title: string, dtype: string, batch: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): ReturnType<typeof makeCase> => makeCase({
  id, title, unit: 'image/s', workUnit: 'image', workPerRepetition: batch, workload: `convolution:channels=128,batch=${batch},size=28,dtype=${dtype},unit=image/s`, ...where,
});
const gpu = { onGpu: true, onCpu: false };
const cpu = { onGpu: false, onCpu: true };

export const convolution: BenchmarkRecipe = {
  name: 'convolution',
  title: 'Convolution',
  what: 'A block of ResNet (two 3×3 convolutions of 128 channels with normalisation and shortcut), forward and backward; images over the time.',
  engine: 'torch',
  aboutSeconds: 30,
  cases: [block('fp32', 'FP32, 64 images', 'fp32', 64, gpu), block('fp16', 'FP16, 64 images', 'fp16', 64, gpu), block('bf16', 'BF16, 64 images', 'bf16', 64, gpu), block('cpu-fp32', 'FP32, 4 images', 'fp32', 4, cpu)],
};

/** Tokens of a step are its work: a step per second of another shape says nothing. */
const step = (id: string, title: string, shape: string, tokens: number, where: { readonly onGpu: boolean; readonly onCpu: boolean }): ReturnType<typeof makeCase> => makeCase({
  id, title, unit: 'tok/s', workUnit: 'token', workPerRepetition: tokens, workload: `training_step:${shape},unit=tok/s`, ...where,
});

export const trainingStep: BenchmarkRecipe = {
  name: 'training-step',
  title: 'Training step',
  what: 'One step of a GPT-2-class model (12 layers of 768, eager PyTorch, AdamW): forward, backward and update; tokens over the time.',
  engine: 'torch',
  aboutSeconds: 40,
  cases: [
    step('fp32', 'FP32, 8 × 1,024 tokens', 'batch=8,length=1024,dtype=fp32', 8192, gpu),
    step('bf16', 'BF16, 8 × 1,024 tokens', 'batch=8,length=1024,dtype=bf16', 8192, gpu),
    step('cpu-fp32', 'FP32, small, 1 × 128 tokens', 'layers=2,width=256,heads=4,vocabulary=4096,batch=1,length=128,dtype=fp32', 128, cpu),
  ],
};
