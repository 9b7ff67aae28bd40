import { flushSync } from 'react-dom';
import { createBrowserShell } from '../connection/browser-shell.ts';
import { createCommitClock } from '../connection/commit-clock.ts';
import { connect, type OpenTransport } from '../connection/connect.ts';
import { createDesktopShell } from '../connection/desktop-shell.ts';
import { createGpuFeed } from '../connection/gpu-feed.ts';
import { createPortInbox, createPortTransport } from '../connection/port-transport.ts';
import { problemFrom } from '../connection/problem-from.ts';
import type { Shell } from '../connection/shell.ts';
import { createWebTransport, type TokenBox } from '../connection/web-transport.ts';
import { createAlertsStore } from '../stores/alerts-store.ts';
import { createBenchmarksStore } from '../stores/benchmarks-store.ts';
import { createEnvironmentsStore } from '../stores/environments-store.ts';
import { createUpgradesStore } from '../stores/upgrades-store.ts';
import { createChatStore } from '../stores/chat-store.ts';
import { createComparisonsStore } from '../stores/comparisons-store.ts';
import { createLoadedStore } from '../stores/loaded-store.ts';
import { createModelsStore } from '../stores/models-store.ts';
import { createEngineStore } from '../stores/engine-store.ts';
import { createGpuStore } from '../stores/gpu-store.ts';
import { createJobsStore } from '../stores/jobs-store.ts';
import { createMachineStore } from '../stores/machine-store.ts';
import { createOptimiseStore } from '../stores/optimise-store.ts';
import { createReadinessStore } from '../stores/readiness-store.ts';
import { createSettingsStore } from '../stores/settings-store.ts';
import { createUiStore } from '../stores/ui-store.ts';
import type { App } from './context.tsx';
import { createDeviceIntents, createFrameIntents } from './frame-intents.ts';
import { createIntentRegistry } from './intents.ts';
import { startNotifier } from './notifier.ts';
import { goToPlace } from './routes.ts';
import { applyTheme } from './theme.ts';
import { PAGE_VERSION } from './version.ts';

/** The engine of a desktop window may have to be started first, ms. */
const DESKTOP_HELLO_MS = 60_000;

/** Builds the page's parts and ties them: transport, client, stores, intents. `token` is null in the desktop. */
export function createApp(token: TokenBox | null): App {
  const ui = createUiStore();
  const { open, shell } = token === null ? desktopParts() : { open: createWebTransport({ origin: location.origin, token }), shell: createBrowserShell((q) => ui.getState().ask(q)) };
  const connection = connect({ open, version: PAGE_VERSION, ...(token === null ? { helloMs: DESKTOP_HELLO_MS } : {}) });
  const { client } = connection;
  const clock = createCommitClock(flushSync);
  const settings = createSettingsStore({ client, source: connection });
  const feed = createGpuFeed({ client, source: connection, visibility: document, rateHz: settings.getState().current.monitor.watchedHz });
  const jobs = createJobsStore({ client, source: connection, clock });
  const parts: Omit<App, 'intents'> = {
    client,
    connection,
    feed,
    clock,
    shell,
    ui,
    settings,
    gpus: createGpuStore({ client, source: connection, feed, clock }),
    jobs,
    alerts: createAlertsStore({ client, source: connection, clock }),
    environments: createEnvironmentsStore({ client, source: connection, clock }),
    upgrades: createUpgradesStore({ client, source: connection, clock }),
    models: createModelsStore({ client, source: connection, clock }),
    loaded: createLoadedStore({ client, source: connection, clock }),
    chat: createChatStore({ client, source: connection, clock }),
    comparisons: createComparisonsStore({ client, source: connection }),
    optimise: createOptimiseStore({ client, source: connection, clock, jobs }),
    machine: createMachineStore({ client, source: connection, clock }),
    benchmarks: createBenchmarksStore({ client, source: connection, clock }),
    engine: createEngineStore({ client, source: connection, clock }),
    readiness: createReadinessStore({ client, source: connection, clock }),
  };
  const intents = createIntentRegistry((error) => ui.getState().complain(problemFrom(error)));
  intents.register(createFrameIntents(parts));
  let removeDevices = intents.register([]);
  parts.gpus.subscribe((now, before) => {
    if (now.inventory === before.inventory && now.selection === before.selection) return;
    removeDevices();
    removeDevices = intents.register(createDeviceIntents(parts));
  });
  settings.subscribe((now, before) => {
    if (now.status.state !== 'ready') return;
    feed.setRateHz(now.current.monitor.watchedHz);
    const { theme } = now.current.appearance;
    if (theme !== before.current.appearance.theme || before.status.state !== 'ready') {
      applyTheme(theme);
      shell.setTheme(theme);
    }
  });
  shell.onEvent((event) => {
    if (event.event === 'intent' && !intents.run(event.value)) goToPlace(event.value);
  });
  const app: App = { ...parts, intents };
  startNotifier(app);
  return app;
}

function desktopParts(): { readonly open: OpenTransport; readonly shell: Shell } {
  const shell = createDesktopShell();
  return { open: createPortTransport(createPortInbox(window, shell.setPort)), shell };
}
