import { existsSync } from 'node:fs';
import type { Settings } from '../../contract/settings.ts';
import type { WebStatus } from '../../contract/system.ts';
import type { Logger } from '../logging/logger.ts';
import type { WebFace, WebFaceOptions, WebFaceParts } from '../web/web-face.ts';

export interface WebControl {
  start(options: WebFaceOptions): Promise<WebStatus & { token: string; metricsToken: string }>;
  stop(): Promise<void>;
  status(): WebStatus;
  /** Follows the setting *Local API*: opens when it is switched on, closes what the setting opened when it is switched off. */
  follow(settings: Settings['localApi']): Promise<void>;
}

const OFF: WebStatus = { on: false, url: null, host: null, port: null, secure: false };

/** The TCP face, opened and closed in the running engine. fastify is loaded with the first opening only. */
export function createWebControl(parts: Omit<WebFaceParts, 'rendererFolder'> & { readonly rendererFolder: () => string | null }, log: Logger): WebControl {
  let face: WebFace | null = null;
  let bySetting = false;
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const result = queue.then(run);
    queue = result.catch(() => undefined);
    return result;
  };
  const open = async (options: WebFaceOptions): Promise<WebStatus & { token: string; metricsToken: string }> => {
    if (!face) {
      const { openWebFace } = await import('../web/web-face.ts');
      const folder = parts.rendererFolder();
      face = await openWebFace(options, { ...parts, rendererFolder: folder !== null && existsSync(folder) ? folder : null });
    }
    return { ...face.status, token: face.token, metricsToken: face.metricsToken };
  };
  const close = async (): Promise<void> => {
    const closing = face;
    face = null;
    await closing?.close();
  };
  return {
    start: (options) => inTurn(async () => {
      bySetting = false;
      return open(options);
    }),
    stop: () => inTurn(close),
    status: () => face?.status ?? OFF,
    follow: (settings) => inTurn(async () => {
      if (settings.on && !face) {
        bySetting = true;
        await open({ host: '127.0.0.1', port: settings.port, insecure: false, cert: null, key: null, token: null });
      } else if (!settings.on && face && bySetting) {
        await close();
      }
    }).catch((error: unknown) => {
      log.warn('local API could not be opened', { error: error instanceof Error ? error.message : String(error) });
      throw error;
    }),
  };
}
