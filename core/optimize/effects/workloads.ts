import type { Workload } from '../../../contract/optimize.ts';

/** A built-in workload, and how resources/python or the llama arm is asked for it. */
export interface WorkloadRecipe {
  readonly workload: Workload;
  /** Null: it does not run there. */
  readonly gpu: string | null;
  readonly cpu: string | null;
}

const torch = (name: string, title: string, what: string, unit: string, gpu: string | null, cpu: string | null): WorkloadRecipe => ({ workload: { name, title, what, unit, higherIsBetter: true, engine: 'torch' }, gpu, cpu });
const llama = (name: string, title: string, what: string, arm: string): WorkloadRecipe => ({ workload: { name, title, what, unit: 'tok/s', higherIsBetter: true, engine: 'llama' }, gpu: arm, cpu: arm });
/** GPT-2 small (12 × 768); the batch is half of the benchmark's, because two processes hold it at once. */
const gpt2 = 'layers=12,width=768,heads=12,vocabulary=32768,batch=4,length=1024';
const tiny = 'layers=2,width=256,heads=4,vocabulary=4096,batch=1,length=128';

export const workloadRecipes: readonly WorkloadRecipe[] = [
  torch('matmul-fp32', 'FP32 product', 'A product of two square FP32 matrices (8192 on a GPU, 1024 on a processor).', 'TFLOPS', 'matmul:dtype=fp32,n=8192', 'matmul:dtype=fp32,n=1024'),
  torch('matmul-bf16', 'BF16 product', 'A product of two 8192² BF16 matrices.', 'TFLOPS', 'matmul:dtype=bf16,n=8192', null),
  torch('matmul-small', 'Small FP32 product', 'A product of two 512² FP32 matrices, where launching counts.', 'call/s', 'matmul:dtype=fp32,n=512,unit=call/s', 'matmul:dtype=fp32,n=128,unit=call/s'),
  torch('attention', 'Attention', 'Causal attention, forward: 4 × 32 heads × 4096 tokens in BF16 on a GPU, 8 heads × 512 tokens in FP32 on a processor.', 'TFLOPS', 'attention:backend=auto,dtype=bf16,batch=4,heads=32,length=4096,dim=128,causal=1', 'attention:backend=auto,dtype=fp32,batch=1,heads=8,length=512,dim=64,causal=1'),
  torch('convolution', 'Convolutions', 'A block of ResNet in FP32, forward and backward.', 'image/s', 'convolution:channels=128,batch=64,size=28,dtype=fp32,unit=image/s', 'convolution:channels=64,batch=4,size=28,dtype=fp32,unit=image/s'),
  torch('training-step', 'Training step, FP32', 'One step of a GPT-2-class model in FP32 with AdamW: 4 × 1024 tokens on a GPU, a small one on a processor.', 'tok/s', `training_step:${gpt2},dtype=fp32,unit=tok/s`, `training_step:${tiny},dtype=fp32,unit=tok/s`),
  torch('training-step-bf16', 'Training step, BF16', 'The same with the model in BF16.', 'tok/s', `training_step:${gpt2},dtype=bf16,unit=tok/s`, `training_step:${tiny},dtype=bf16,unit=tok/s`),
  torch('generate', 'Writing with a small decoder', 'A small decoder in plain PyTorch writes 32 tokens after 128.', 'tok/s', 'generate:layers=12,width=768,heads=12,prompt=128,tokens=32,dtype=bf16,unit=tok/s', 'generate:layers=2,width=256,heads=4,vocabulary=4096,prompt=64,tokens=16,dtype=fp32,unit=tok/s'),
  torch('cpu-matmul', 'FP32 product on the processor', 'A product of two 1024² FP32 matrices.', 'TFLOPS', null, 'cpu_matmul:dtype=fp32,n=1024'),
  torch('cpu-attention', 'Attention on the processor', 'Causal attention in FP32: 8 heads × 512 tokens.', 'TFLOPS', null, 'cpu_attention:dtype=fp32,batch=1,heads=8,length=512,dim=64,causal=1'),
  llama('llm-decode', 'Writing (llama.cpp)', 'Tokens written one after the other, at the beginning of the context.', 'llm_decode:depth=0'),
  llama('llm-decode-long', 'Writing after 8192 tokens (llama.cpp)', 'Tokens written with 8192 tokens in the context.', 'llm_decode:depth=8192'),
  llama('llm-prompt', 'Reading a prompt (llama.cpp)', 'A prompt of 2048 tokens is read.', 'llm_prompt:tokens=2048'),
];
export const listWorkloads = (): Workload[] => workloadRecipes.map((one) => one.workload);
export const findWorkload = (name: string): WorkloadRecipe | null => workloadRecipes.find((one) => one.workload.name === name) ?? null;
/** What the arm is asked for; null: it does not run at this place. */
export const armWorkload = (recipe: WorkloadRecipe, place: string): string | null => (place === 'cpu' ? recipe.cpu : recipe.gpu);
