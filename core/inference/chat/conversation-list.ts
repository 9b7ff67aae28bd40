import type { Conversation } from '../../../contract/chat.ts';
import { createGauge, type Gauge } from '../../engine/gauge.ts';
import type { Logger } from '../../logging/logger.ts';

export interface ConversationListOptions {
  readonly read: () => Promise<Conversation[]>;
  readonly closing: AbortSignal;
  readonly log: Logger;
}
export interface ConversationList {
  readonly gauge: Gauge<Conversation[]>;
  /** For somebody who asks: from then on changes are published. */
  list(): Promise<Conversation[]>;
  /** Something of it changed. Only for those who have asked; changes that come while it is read make one more. */
  changed(): void;
}

export function createConversationList({ read, closing, log }: ConversationListOptions): ConversationList {
  const gauge = createGauge<Conversation[]>();
  let listed = false;
  let listing = false;
  let listAgain = false;
  const publish = async (): Promise<Conversation[]> => {
    const list = await read();
    gauge.publish(list);
    return list;
  };
  const changed = (): void => {
    if (!listed || closing.aborted) return;
    if (listing) {
      listAgain = true;
      return;
    }
    listing = true;
    publish().catch((error: unknown) => log.warn('The conversations could not be listed', { detail: String(error) })).finally(() => {
      listing = false;
      if (!listAgain) return;
      listAgain = false;
      changed();
    });
  };
  return {
    gauge,
    list() {
      listed = true;
      return publish();
    },
    changed,
  };
}
