import { cleanup, render } from '@testing-library/react';
import { Profiler, type ReactElement } from 'react';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Message } from '../../../contract/chat.ts';
import { AppProvider } from '../../app/context.tsx';
import { ChatPage } from './chat-page.tsx';
import { giveHeights, makeApp, makeEngine, makeModel, makeModels, makePage, rowHeights, type TestEngine } from './test-support.tsx';

/** The page over a played engine. */
export interface PageStage {
  readonly engine: TestEngine;
  readonly app: ReturnType<typeof makeApp>;
  page(section: string | null, query?: string): ReactElement;
  /** Draws the page with these messages, one model, and nothing loaded. */
  show(section: string | null, messages?: readonly Message[], more?: Parameters<typeof makePage>[2]): Promise<ReturnType<typeof render>>;
  /** How often React has drawn something of the page. */
  commits(): number;
}

/** An answer in the middle of being written. */
export const writing = { state: 'writing' as const, reason: null, figures: null };

/** Each test of the file that calls this has a stage of its own. */
export function stageForEach(): PageStage {
  let stage: ReturnType<typeof setStage> | null = null;
  const now = (): ReturnType<typeof setStage> => {
    if (stage === null) throw new Error('There is a stage within a test only.');
    return stage;
  };
  beforeEach(() => { stage = setStage(); });
  afterEach(() => {
    now().end();
    stage = null;
  });
  return {
    get engine() { return now().engine; },
    get app() { return now().app; },
    page: (...given) => now().page(...given),
    show: (...given) => now().show(...given),
    commits: () => now().commits(),
  };
}

function setStage(): PageStage & { end(): void } {
  giveHeights(rowHeights);
  const engine = makeEngine();
  const app = makeApp(engine);
  location.hash = '';
  let commits = 0;
  const page: PageStage['page'] = (section, query = '') => (
    <AppProvider app={app}>
      <Profiler id="page" onRender={() => { commits += 1; }}>
        <ChatPage section={section} query={new URLSearchParams(query)} />
      </Profiler>
    </AppProvider>
  );
  return {
    engine,
    app,
    page,
    show: async (section, messages = [], more = {}) => {
      engine.answer('chat.page', makePage(section ?? 'none', messages, more));
      engine.models.send(makeModels([makeModel('m1', { name: 'Tiny' })]));
      engine.loaded.send([]);
      const shown = render(page(section));
      await engine.settle();
      return shown;
    },
    commits: () => commits,
    end: () => {
      cleanup();
      app.chat.getState().open(null);
      app.comparisons.getState().show(null);
      engine.clock.stop();
      vi.restoreAllMocks();
    },
  };
}
