import { ipcMain, MessageChannelMain, type BrowserWindow, type WebContents } from 'electron';
import { makeProblem } from '../contract/problem-catalogue.ts';
import { problemOf } from '../contract/problem.ts';
import type { ShellEvent } from '../contract/shell.ts';
import { framePortOf } from './electron-port.ts';
import type { EngineHost } from './engine-host.ts';
import { createFrameRelay, type FrameRelay } from './frame-relay.ts';
import { decideSender } from './ipc/sender-guard.ts';
import { serveShell, type ShellHandlers, type ShellPort } from './ipc/shell-router.ts';
import { PORT_MESSAGE, WANT_PORT_MESSAGE } from './port-messages.ts';

export interface WindowChannels {
  /** From now on this window's page may ask for its ports. */
  add(window: BrowserWindow): void;
  tell(event: ShellEvent): void;
}

interface Channel {
  readonly relay: FrameRelay;
  readonly shell: ShellPort;
}

/**
 * The only place that listens to pages. A page asks for its two ports and gets a fresh pair at once; behind the
 * first one the engine is connected (and started where needed), behind the second one `handlers` answer.
 */
export function createWindowChannels(host: EngineHost, handlersOf: (window: BrowserWindow) => ShellHandlers, log: (text: string) => void): WindowChannels {
  const windows = new Map<WebContents, BrowserWindow>();
  const channels = new Map<WebContents, Channel>();

  const drop = (contents: WebContents, reason: string): void => {
    const channel = channels.get(contents);
    channels.delete(contents);
    channel?.relay.end(reason);
    channel?.shell.close();
  };

  const handOver = (contents: WebContents, window: BrowserWindow): void => {
    drop(contents, 'another port was asked for');
    const engine = new MessageChannelMain();
    const shell = new MessageChannelMain();
    const relay = createFrameRelay(framePortOf(engine.port1), (reason) => { log(`engine connection ended: ${reason}`); });
    channels.set(contents, { relay, shell: serveShell(framePortOf(shell.port1), handlersOf(window), log) });
    contents.postMessage(PORT_MESSAGE, null, [engine.port2, shell.port2]);
    host.connect().then(
      (socket) => { relay.join(socket); },
      (error: unknown) => {
        const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) });
        relay.end(problem.cause);
      },
    );
  };

  ipcMain.on(WANT_PORT_MESSAGE, (event) => {
    const window = windows.get(event.sender);
    const frame = event.senderFrame;
    const facts = { frame: frame && { url: frame.url, isMainFrame: frame === event.sender.mainFrame }, knownWindow: window !== undefined };
    if (decideSender(facts) === 'ignore' || !window) {
      log(`a message from ${frame?.url ?? 'a frame that is gone'} was ignored`);
      return;
    }
    handOver(event.sender, window);
  });

  return {
    add(window) {
      const contents = window.webContents;
      windows.set(contents, window);
      contents.once('destroyed', () => {
        windows.delete(contents);
        drop(contents, 'the window was closed');
      });
    },
    tell(event) {
      for (const channel of channels.values()) channel.shell.tell(event);
    },
  };
}
