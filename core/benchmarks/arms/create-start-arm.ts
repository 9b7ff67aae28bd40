import type { StartArm } from '../parts.ts';
import { createCommandArms, type CommandArmOptions } from './start-command-arm.ts';
import { createLlamaArms, type LlamaModels } from './start-llama-arm.ts';
import { createTorchArms, type TorchArmOptions } from './start-torch-arm.ts';

export interface StartArmOptions extends TorchArmOptions, CommandArmOptions {
  /** From core/inference. */
  readonly models: LlamaModels;
}

/** By the wish: the user's own program, a model of llama.cpp (`llm_…`), or PyTorch of an environment. */
export function createStartArm(options: StartArmOptions): StartArm {
  const [command, llama, torch] = [createCommandArms(options), createLlamaArms(options.models), createTorchArms(options)];
  return (wish, signal, log) => {
    if (typeof wish.workload !== 'string') return command(wish, signal, log);
    return wish.workload.startsWith('llm_') ? llama(wish, signal, log) : torch(wish, signal, log);
  };
}
