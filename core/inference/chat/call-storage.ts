import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { ChatCalls, ChatOp } from '../../storage/chat/chat-calls.ts';
import type { StorageClient } from '../../storage/storage-client.ts';

/** @throws ProblemError `chat.*`: those of the storage as they are, any other as `chat.storage` */
export type CallStorage = <Op extends ChatOp>(op: Op, input: ChatCalls[Op]['input']) => Promise<ChatCalls[Op]['output']>;

export function createCallStorage(store: Pick<StorageClient, 'call'>): CallStorage {
  return async (op, input) => {
    try {
      return await store.call(op, input);
    } catch (error) {
      const problem = problemOf(error);
      if (problem?.code.startsWith('chat.') === true) throw error;
      throw problemError('chat.storage', { path: 'The storage', detail: problem?.chain[0] ?? (error instanceof Error ? error.message : String(error)) }, { cause: error });
    }
  };
}
