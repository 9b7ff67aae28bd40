import type { ReactNode } from 'react';
import { lazyPage } from './lazy-page.tsx';
import { useRoute } from './routes.ts';

const { Page: ChatPage } = lazyPage(() => import('../features/chat/chat-page.tsx').then((m) => m.ChatPage));
const { Page: ModelsPage } = lazyPage(() => import('../features/models/models-page.tsx').then((m) => m.ModelsPage));

/** `#/chat/ID`: a conversation. `#/chat?model=ID`: a new one with that model. `#/chat/compare` and `#/chat/compare:ID`: comparisons. */
export function ChatRoute(): ReactNode {
  const { section, query } = useRoute();
  return <ChatPage section={section} query={query} />;
}

/** `#/models/here:ID`, `#/models/offered:ID`: one of them, open. */
export function ModelsRoute(): ReactNode {
  return <ModelsPage section={useRoute().section} />;
}
