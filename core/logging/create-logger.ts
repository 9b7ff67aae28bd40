import type { LogFields, Logger } from './logger.ts';
export function createLogger(options: { dir: string | null; level: string }): Logger & { flush(): void; tail(maxBytes: number): string; incident(): string } {
  const make = (area: string): Logger => {
    const write = (level: string) => (message: string, fields?: LogFields): void => { if (process.env['WARPDECK_LOG']) process.stderr.write(`${JSON.stringify({ level, area, message, ...fields })}\n`); };
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: make };
  };
  return { ...make(options.dir ?? ''), flush: () => undefined, tail: () => '', incident: () => 'i' };
}
