import type { EngineServices } from './services.ts';
import type { WebControl } from './web-control.ts';

export interface WebServicesOptions {
  readonly web: () => Pick<WebControl, 'start' | 'stop'>;
  /** Somebody wants the engine to stay while the web face is open. */
  readonly stay: () => void;
  /** No log and no report may say it. */
  readonly hide: (token: string) => void;
}

/** Opening and closing the web face, for whoever has another one. */
export function makeWebServices({ web, stay, hide }: WebServicesOptions): EngineServices['web'] {
  return {
    async start(options, stays) {
      const answer = await web().start(options);
      for (const token of [answer.token, answer.metricsToken]) hide(token);
      if (stays) stay();
      return answer;
    },
    stop: () => web().stop(),
  };
}
