import { formatDeviceName } from '../ui/format.ts';
import { valueOf } from '../connection/remote.ts';
import type { App } from './context.tsx';
import type { Intent } from './intents.ts';
import { goTo } from './routes.ts';

const HOUR_MS = 3_600_000;

/** What can be done from everywhere. */
export function createFrameIntents(app: Omit<App, 'intents'>): readonly Intent[] {
  const offline = (): string | null => (app.connection.store.getState().state === 'ready' ? null : 'the engine does not answer');
  const always = (): null => null;
  const setTheme = (theme: 'system' | 'dark' | 'light') => async (): Promise<void> => void (await app.settings.getState().update({ appearance: { theme } }));
  const theme = (): string => app.settings.getState().current.appearance.theme;
  return [
    { id: 'go.monitor', title: 'Monitor', group: 'go', icon: 'monitor', keys: 'Alt 1', detail: 'GPUs now and before', guard: always, perform: () => goTo('monitor') },
    { id: 'go.environments', title: 'Environments', group: 'go', icon: 'env', keys: 'Alt 2', detail: 'which Python environment can use which GPU', words: 'python torch pytorch conda venv doctor repair', guard: always, perform: () => goTo('environments') },
    { id: 'environments.scan', title: 'Look for Python environments again', group: 'do', icon: 'env', words: 'scan refresh doctor torch', guard: offline, perform: () => app.environments.getState().scan() },
    { id: 'go.optimise', title: 'Optimise', group: 'go', icon: 'opt', keys: 'Alt 3', detail: 'what each switch really does here', words: 'tf32 flash attention compile performance tune toggle switch speed', guard: always, perform: () => goTo('optimise') },
    { id: 'go.optimise.tune', title: 'Tune a model', group: 'go', icon: 'opt', detail: 'the fastest llama.cpp settings, by measuring', words: 'search engine settings autotune', guard: always, perform: () => goTo('optimise', 'tune') },
    { id: 'go.optimise.slow', title: 'Why is it slow?', group: 'go', icon: 'opt', detail: 'Optimise', words: 'bottleneck throttle slow', guard: always, perform: () => goTo('optimise', 'slow') },
    { id: 'go.optimise.gpu', title: 'GPU settings', group: 'go', icon: 'opt', detail: 'power limit, clocks, persistence', words: 'power limit clock persistence overclock', guard: always, perform: () => goTo('optimise', 'gpu') },
    { id: 'go.benchmarks', title: 'Benchmarks', group: 'go', icon: 'bench', keys: 'Alt 4', detail: 'measure, compare, roofline, history', words: 'speed tflops bandwidth llama-bench canary', guard: always, perform: () => goTo('benchmarks') },
    { id: 'go.chat', title: 'Chat', group: 'go', icon: 'chat', keys: 'Alt 5', detail: 'talk to a model, compare answers', words: 'conversation prompt llm inference', guard: always, perform: () => goTo('chat') },
    { id: 'go.models', title: 'Models', group: 'go', icon: 'model', keys: 'Alt 6', detail: 'what is here, what fits, how fast', words: 'gguf download llama ollama hugging face', guard: always, perform: () => goTo('models') },
    { id: 'models.search', title: 'Look for model files again', group: 'do', icon: 'model', words: 'scan refresh gguf', guard: offline, perform: () => app.models.getState().search() },
    { id: 'go.alerts', title: 'Alerts', group: 'go', icon: 'bell', keys: 'Alt 8', detail: 'open, over and thresholds', guard: always, perform: () => goTo('alerts') },
    { id: 'go.settings', title: 'Settings', group: 'go', icon: 'gear', keys: 'Ctrl ,', guard: always, perform: () => goTo('settings') },
    { id: 'go.settings.local-api', title: 'Local API', group: 'go', icon: 'gear', detail: 'Settings', words: 'web browser prometheus token port address', guard: always, perform: () => goTo('settings', 'local-api') },
    { id: 'go.settings.history', title: 'History settings', group: 'go', icon: 'gear', detail: 'size, age, export', words: 'retention database', guard: always, perform: () => goTo('settings', 'history') },
    { id: 'palette.open', title: 'Search and commands', group: 'do', icon: 'search', keys: 'Ctrl K', guard: () => (app.ui.getState().palette ? 'it is open' : null), perform: () => app.ui.getState().showPalette(true) },
    { id: 'gpus.refresh', title: 'Look for GPUs again', group: 'do', icon: 'monitor', keys: 'Ctrl R', detail: 'driver and devices', words: 'rescan refresh driver reload', guard: () => offline() ?? (app.gpus.getState().refreshing ? 'it is under way' : null), perform: () => app.gpus.getState().refresh() },
    { id: 'help.open', title: 'Keyboard shortcuts', group: 'do', icon: 'unk', keys: 'F1', words: 'help keys', guard: always, perform: () => app.ui.getState().showHelp(true) },
    { id: 'selection.clear', title: 'Show all GPUs', group: 'do', icon: 'monitor', detail: 'ends the selection', guard: () => (app.gpus.getState().selection.length === 0 ? 'none is selected' : null), perform: () => app.gpus.getState().clearSelection() },
    { id: 'jobs.open', title: 'Show jobs', group: 'do', icon: 'run', detail: 'running and recent, with their logs', words: 'log progress', guard: always, perform: () => app.jobs.getState().open(null) },
    { id: 'alerts.quiet', title: 'No notifications for 1 h', group: 'do', icon: 'bell', detail: 'alerts are still listed', words: 'quiet mute silence', guard: offline, perform: async () => void ((await app.alerts.getState().quiet(null, Date.now() + HOUR_MS)) && app.ui.getState().say('Quiet for 1 h: alerts are listed, and nothing is notified.')) },
    { id: 'theme.system', title: 'Theme: follow the system', group: 'do', icon: 'theme', words: 'dark light appearance', guard: () => offline() ?? (theme() === 'system' ? 'it does' : null), perform: setTheme('system') },
    { id: 'theme.dark', title: 'Theme: dark', group: 'do', icon: 'theme', words: 'appearance', guard: () => offline() ?? (theme() === 'dark' ? 'it is dark' : null), perform: setTheme('dark') },
    { id: 'theme.light', title: 'Theme: light', group: 'do', icon: 'theme', words: 'appearance', guard: () => offline() ?? (theme() === 'light' ? 'it is light' : null), perform: setTheme('light') },
    { id: 'report.save', title: 'Save report…', group: 'do', icon: 'save', detail: 'for support; names and paths are replaced', words: 'support bundle diagnostics log', guard: offline, perform: () => saveReport(app) },
    ...(app.shell.openLogs ? [{ id: 'logs.open', title: 'Open the folder of logs', group: 'do' as const, icon: 'save' as const, guard: always, perform: async () => void (await app.shell.openLogs?.()) }] : []),
  ];
}

/** One intent per device: selects it alone. */
export function createDeviceIntents(app: Omit<App, 'intents'>): readonly Intent[] {
  return (valueOf(app.gpus.getState().inventory)?.devices ?? []).map((d) => ({
    id: `gpu.${d.uuid}`,
    title: `GPU ${d.index}: ${formatDeviceName(d.name)}`,
    group: 'go',
    icon: 'monitor',
    detail: app.gpus.getState().selection.includes(d.uuid) ? 'selected; choose to end it' : 'shows this one alone',
    words: `${d.uuid} ${d.pciBusId ?? ''} @`,
    guard: () => null,
    perform: () => {
      app.gpus.getState().select(d.uuid, false);
      goTo('monitor');
    },
  }));
}

/** Asks the engine for the redacted report and saves it. */
export async function saveReport(app: Pick<App, 'engine' | 'shell' | 'ui'>): Promise<void> {
  const report = await app.engine.getState().report();
  const { problem } = app.engine.getState();
  if (!report) return app.ui.getState().complain(problem);
  const path = await app.shell.saveFile({ suggestedName: report.fileName, bytes: new TextEncoder().encode(report.text) });
  if (path !== null) app.ui.getState().say(`Saved as ${path}.`);
}
