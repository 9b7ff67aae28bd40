import { lazy, type ReactNode } from 'react';
import { useRoute } from './routes.ts';

const ChatPage = lazy(() => import('../features/chat/chat-page.tsx').then((m) => ({ default: m.ChatPage })));
const ModelsPage = lazy(() => import('../features/models/models-page.tsx').then((m) => ({ default: m.ModelsPage })));

/** `#/chat/ID`: a conversation. `#/chat?model=ID`: a new one with that model. `#/chat/compare` and `#/chat/compare:ID`: comparisons. */
export function ChatRoute(): ReactNode {
  const { section, query } = useRoute();
  return <ChatPage section={section} query={query} />;
}

/** `#/models/here:ID`, `#/models/offered:ID`: one of them, open. */
export function ModelsRoute(): ReactNode {
  return <ModelsPage section={useRoute().section} />;
}
