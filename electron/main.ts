/**
 * The desktop face: a window, a tray, a menu. It computes nothing: the engine is a process of its own that this one
 * finds or starts. Boot order on one screen; everything before `ready` has to be there before `ready`.
 */
import { app, dialog, nativeTheme } from 'electron';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declareAppScheme, serveApp } from './app-protocol.ts';
import { guardContents } from './content-guard.ts';
import { decideDroppedSwitches } from './debug-switches.ts';
import { parseDesktopArguments } from './desktop-arguments.ts';
import { createEngineHost } from './engine-host.ts';
import { watchEngine, type EngineWatch } from './engine-watch.ts';
import { createMainWindow, type MainWindow } from './main-window.ts';
import { createTray, setMenu, type MenuActions, type TrayIcon } from './menus.ts';
import { openFolder } from './open-external.ts';
import { decideInspectable, decidePlaces } from './program-places.ts';
import { isNameOwned, TRAY_HOST } from './session-bus.ts';
import { makeShellHandlers } from './shell-handlers.ts';
import { openShellLog } from './shell-log.ts';
import { openShellState } from './shell-state-file.ts';
import { createWindowChannels } from './window-channel.ts';
import { makeProblem } from '../contract/problem-catalogue.ts';

const inspectable = decideInspectable(app.isPackaged, () => readFileSync(join(app.getAppPath(), 'package.json'), 'utf8'));
for (const name of decideDroppedSwitches(inspectable)) app.commandLine.removeSwitch(name);

const args = parseDesktopArguments(process.argv.slice(1), process.env);
const places = decidePlaces({ packaged: app.isPackaged, appPath: app.getAppPath(), resourcesPath: process.resourcesPath, platform: process.platform, arch: process.arch, env: process.env });
const log = openShellLog(args.dataDir);
process.on('uncaughtException', (error) => { log(`uncaught: ${error.stack ?? error.message}`); });
process.on('unhandledRejection', (error) => { log(`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`); });

app.enableSandbox();
declareAppScheme();
// One desktop face per data folder, as there is one engine: the lock below is per user-data folder.
app.setPath('userData', join(args.dataDir, 'desktop'));
if (process.platform === 'linux') app.setDesktopName('warpdeck.desktop');
if (process.platform === 'win32') app.setAppUserModelId('invalid.warpdeck.app');

if (app.requestSingleInstanceLock()) void app.whenReady().then(boot);
else app.quit();

async function boot(): Promise<void> {
  const stateFile = openShellState(join(args.dataDir, 'desktop', 'window.json'), log);
  nativeTheme.themeSource = stateFile.state().theme;
  let main: MainWindow | null = null;
  let tray: TrayIcon | null = null;
  let watch: EngineWatch | null = null;
  let lingering = false;

  const host = createEngineHost({
    places, dataDir: args.dataDir, gpus: args.gpus, env: process.env, log,
    onState: (state) => { channels.tell({ event: 'engine', value: state.kind }); },
  });
  const show = (intent: string | null): void => {
    main?.show();
    if (intent !== null) channels.tell({ event: 'intent', value: intent });
  };
  const channels = createWindowChannels(host, (window) => makeShellHandlers(window, {
    dataDir: args.dataDir, stateFile, log,
    trayAvailable: () => tray !== null,
    setTray: (tip, attention) => { tray?.say(tip, attention); },
    restartEngine: () => { host.forgive(); },
    onNotificationClick: (alertId) => { show(alertId === null ? null : 'go.alerts'); },
  }), log);
  const actions: MenuActions = {
    intent: show,
    own(what) {
      if (what === 'show') show(null);
      else if (what === 'quit') app.quit();
      else void openFolder(join(args.dataDir, 'logs'));
    },
  };

  guardContents({ inspectable, windowOf: () => main?.window() ?? null, log });
  serveApp(places.renderer);
  setMenu(actions, inspectable);
  // Elsewhere the system always has a place for it. On Linux an icon that nobody draws would be a window lost.
  const trayHost = process.platform !== 'linux' || await isNameOwned(process.env['DBUS_SESSION_BUS_ADDRESS'], TRAY_HOST, process.getuid?.() ?? 0);
  if (trayHost) tray = createTray(places.icons, actions);

  watch = watchEngine({
    host, log,
    onInfo: (info) => { if (args.gpus !== null && info.sourceSpec !== args.gpus) sayGpusDiffer(info.pid, info.sourceSpec, args.gpus); },
    onSettings: ({ appearance }) => { stateFile.update({ closeToTray: appearance.closeToTray, startMinimised: appearance.startMinimised }); },
    onJobs: (running) => { if (lingering && running.length === 0) app.quit(); },
  });
  main = createMainWindow({
    stateFile, inspectable, icons: places.icons, log,
    startHidden: args.minimised || stateFile.state().startMinimised,
    trayAvailable: () => tray !== null,
    watch: () => watch,
    onCreated: (window) => { channels.add(window); },
    onLinger: () => { lingering = true; },
  });

  app.on('second-instance', () => { show(null); });
  app.on('activate', () => { show(null); });
  app.on('before-quit', () => { main?.quit(); });
  app.on('window-all-closed', () => { if (!lingering) app.quit(); });
  app.on('will-quit', (event) => {
    host.close();
    watch?.close();
    tray?.remove();
    tray = null;
    if (stateFile.isSettled()) return;
    // The window's last place is still being written: leave when it is on disk.
    event.preventDefault();
    void stateFile.settled().then(() => { app.quit(); });
  });
}

let saidGpusDiffer = false;
/** The window shows the running engine all the same; its source stands in the bar. */
function sayGpusDiffer(pid: number, running: string, wanted: string): void {
  if (saidGpusDiffer) return;
  saidGpusDiffer = true;
  const problem = makeProblem('engine.gpus_differ', { pid, running, wanted });
  void dialog.showMessageBox({ type: 'warning', title: 'Warpdeck', message: problem.title, detail: `${problem.cause}\n\n${problem.remedy}`, buttons: ['Close'], noLink: true });
}
