import { useEffect, type ReactNode } from 'react';
import { AlertsPage } from '../features/alerts/alerts-page.tsx';
import { HelpSheet } from '../features/help/help-sheet.tsx';
import { JobDrawer } from '../features/jobs/job-drawer.tsx';
import { Palette } from '../features/palette/palette.tsx';
import { SettingsPage } from '../features/settings/settings-page.tsx';
import { AlertAnnouncer } from './announcer.tsx';
import { Banners } from './banners.tsx';
import { BenchmarksRoute } from './benchmarks-route.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { useApp, useConnection, useGpuStore, useIntents, useJobs, useUi } from './context.tsx';
import { EnvironmentsRoute } from './environments-route.tsx';
import { ChatRoute, ModelsRoute } from './inference-routes.tsx';
import { MonitorRoute } from './monitor-route.tsx';
import { OptimiseRoute } from './optimise-route.tsx';
import { Rail } from './rail.tsx';
import { useRoute, type PageName } from './routes.ts';
import { findByKeys, isTyping } from './shortcuts.ts';
import { Strip } from './strip.tsx';
import { TopBar } from './top-bar.tsx';

const titles: Readonly<Record<PageName, string>> = { monitor: 'Monitor', environments: 'Environments', optimise: 'Optimise', benchmarks: 'Benchmarks', chat: 'Chat', models: 'Models', alerts: 'Alerts', settings: 'Settings' };

/** Rail, bars and the page between them. The frame never moves. */
export function Frame(): ReactNode {
  const app = useApp();
  const { page } = useRoute();
  const old = useConnection((s) => s.state !== 'ready');
  const interrupted = useGpuStore((s) => s.interrupted);
  const palette = useUi((s) => s.palette);
  const help = useUi((s) => s.help);
  const drawer = useJobs((s) => s.drawer);
  useShortcuts();
  useEffect(() => {
    document.title = `${titles[page]} · Warpdeck`;
  }, [page]);
  return (
    <>
      <div className="app" data-old={old || interrupted}>
        <a
          className="skip"
          href="#main"
          onClick={(e) => {
            e.preventDefault();
            document.getElementById('main')?.focus();
          }}
        >
          To the page
        </a>
        <Rail />
        <TopBar />
        <div className="middle">
          <Banners />
          <main id="main" tabIndex={-1}>
            {page === 'monitor' ? <MonitorRoute /> : page === 'environments' ? <EnvironmentsRoute /> : page === 'optimise' ? <OptimiseRoute /> : page === 'benchmarks' ? <BenchmarksRoute /> : page === 'chat' ? <ChatRoute /> : page === 'models' ? <ModelsRoute /> : page === 'alerts' ? <AlertsPage /> : <SettingsPage />}
          </main>
          {drawer && <JobDrawer onClose={() => app.jobs.getState().showDrawer(false)} />}
        </div>
        <Strip />
      </div>
      <AlertAnnouncer />
      <ConfirmDialog />
      {palette && <Palette onClose={() => app.ui.getState().showPalette(false)} />}
      {help && <HelpSheet onClose={() => app.ui.getState().showHelp(false)} />}
    </>
  );
}


/** Presses become intents. A dialog takes its own keys. */
function useShortcuts(): void {
  const app = useApp();
  const intents = useIntents();
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { palette, question } = app.ui.getState();
      if (event.defaultPrevented || question) return;
      if (event.key === 'Escape' && !palette && app.jobs.getState().drawer && !isTyping(event.target)) return app.jobs.getState().showDrawer(false);
      const togglePalette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
      if (togglePalette) {
        event.preventDefault();
        return app.ui.getState().showPalette(!palette);
      }
      const intent = findByKeys(intents.list(), event, isTyping(event.target));
      if (!intent) return;
      event.preventDefault();
      intents.run(intent.id);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [app, intents]);
}
