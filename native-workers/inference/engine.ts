import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import type { WorkerLoadInput, WorkerLoadReport } from '../../contract/inference-worker.ts';
import type { ChatTemplate } from './chat-template.ts';
import type { Decoder } from './decoder.ts';
import type { Library } from './library.ts';
import type { LoadLog } from './load-log.ts';

/** A model that is loaded, and all that answers are computed with. */
export interface Engine {
  readonly library: Library;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly template: ChatTemplate;
  readonly decoder: Decoder;
  readonly log: LoadLog;
  readonly input: WorkerLoadInput;
  readonly report: WorkerLoadReport;
  /** Tokens that one answer with its prompt may have: the library leaves the last place of a context empty. */
  readonly usableTokens: number;
  dispose(): Promise<void>;
}
