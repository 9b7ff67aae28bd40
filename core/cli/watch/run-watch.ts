import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { HistorySeries } from '../../../contract/history.ts';
import type { CommandContext } from '../command.ts';
import type { EngineClient } from '../../engine/connect.ts';
import { exitCodes, problemFromError } from '../problem-text.ts';
import { createPainter, decideTheme } from './paint.ts';
import { reduceWatch, type WatchEffect, type WatchEvent } from './reduce-watch.ts';
import { renderWatch } from './render-watch.ts';
import { openTerminal } from './terminal.ts';
import { TRAIL_SECONDS, type Trail } from './trail.ts';
import { startState } from './watch-state.ts';

/** Events of one moment are drawn together; nobody sees more than about 30 frames a second. */
const DRAW_DELAY_MS = 30;
const RETRY_MS = 1000;

/** Stored series as seconds of a trail. Pure. */
export function trailFromHistory(series: HistorySeries): Trail {
  const column = (key: 'utilGpuPercent' | 'powerWatts' | 'eventReasons', i: number): number | null => series.series[key]?.[i] ?? null;
  const points = series.times.map((atMs, i) => ({ secondMs: Math.floor(atMs / 1000) * 1000, utilGpuPercent: column('utilGpuPercent', i), powerWatts: column('powerWatts', i), reasons: column('eventReasons', i) ?? 0, count: 1 }));
  return points.filter((p, i) => p.secondMs !== points[i + 1]?.secondMs);
}

/** All streams of one connection into events, until one ends. */
async function follow(client: EngineClient, signal: AbortSignal, intervalMs: number, send: (event: WatchEvent) => void): Promise<void> {
  const options = { signal };
  const each = async <T>(stream: Promise<AsyncIterable<T>>, on: (item: T) => void): Promise<void> => {
    for await (const item of await stream) on(item);
  };
  const nowMs = Date.now();
  // What was before we looked; an engine that keeps no history has none, and the picture begins now.
  const stored = client.history
    .query({ fromMs: nowMs - TRAIL_SECONDS * 1000, toMs: nowMs, metrics: ['utilGpuPercent', 'powerWatts', 'eventReasons'], maxPoints: TRAIL_SECONDS }, options)
    .then((all) => { send({ type: 'stored', trails: new Map(all.map((s) => [s.uuid, trailFromHistory(s)])) }); }, () => undefined);
  await Promise.race([
    each(client.gpus.watchInventory({}, options), (inventory) => { send({ type: 'inventory', inventory }); }),
    each(client.gpus.watch({ rateHz: Math.min(10, Math.max(0.1, 1000 / intervalMs)) }, options), (item) => { if (item.type === 'frame') send({ type: 'frame', frame: item.frame }); }),
    each(client.gpus.watchProcesses({}, options), (reading) => { send({ type: 'processes', processes: reading.processes }); }),
    each(client.alerts.watch({}, options), (alerts) => { send({ type: 'alerts', alerts: alerts.open }); }),
  ]);
  await stored;
}

/** `gpus --watch` on a terminal, until `q`. */
export async function runWatch(context: CommandContext, intervalMs: number): Promise<number> {
  let engine = await context.attach();
  const quit = new AbortController();
  const signal = AbortSignal.any([context.signal, quit.signal]);
  const paint = createPainter(context.out.colourDepth, decideTheme(context.env));
  const resize = (): void => { send({ type: 'size', ...terminal.size() }); };
  const terminal = openTerminal({ stdin: process.stdin, stdout: process.stdout, onKey: (key) => { send({ type: 'key', key }); }, onResize: resize, onContinue: resize });
  let state = startState({ ...terminal.size(), nowMs: Date.now(), hostName: hostname(), intervalMs });
  let drawTimer: NodeJS.Timeout | null = null;

  const draw = (): void => {
    drawTimer = null;
    state = reduceWatch(state, { type: 'time', nowMs: Date.now() }).state;
    terminal.screen.draw(renderWatch(state).map(paint));
  };
  const act = (effect: WatchEffect): void => {
    switch (effect.type) {
      case 'quit': quit.abort(); return;
      case 'suspend': terminal.suspend(); return;
      case 'redraw': terminal.screen.invalidate(); return;
      case 'plan':
        engine.client.gpus.planTerminate({ pid: effect.process.pid, startTicks: effect.process.startTicks, signal: effect.signal }, { signal })
          .then((plan) => { send({ type: 'planned', plan }); }, refuse);
        return;
      case 'apply':
        engine.client.gpus.terminate({ planId: effect.plan.planId }, { signal }).then(() => { send({ type: 'terminated', plan: effect.plan }); }, refuse);
    }
  };
  const refuse = (error: unknown): void => { send({ type: 'refused', problem: problemFromError(error, context.dataDir) }); };
  function send(event: WatchEvent): void {
    const step = reduceWatch(state, event);
    state = step.state;
    if (event.type === 'size') terminal.screen.invalidate();
    step.effects.forEach(act);
    // A key is answered at once, a reading with its fellows.
    if (event.type === 'key' || event.type === 'size') {
      if (drawTimer) clearTimeout(drawTimer);
      draw();
    } else drawTimer ??= setTimeout(draw, DRAW_DELAY_MS);
  }

  const clock = setInterval(() => { send({ type: 'time', nowMs: Date.now() }); }, 1000);
  try {
    draw();
    while (!signal.aborted) {
      try {
        send({ type: 'connected' });
        await follow(engine.client, signal, intervalMs, send);
      } catch (error) {
        if (!signal.aborted) send({ type: 'lost', problem: problemFromError(error, context.dataDir) });
      }
      engine.close();
      // The engine has gone: start it again, as long as it takes.
      while (!signal.aborted) {
        await wait(RETRY_MS, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) break;
        try {
          engine = await context.attach();
          break;
        } catch (error) {
          send({ type: 'lost', problem: problemFromError(error, context.dataDir) });
        }
      }
    }
    return exitCodes.fine;
  } finally {
    clearInterval(clock);
    if (drawTimer) clearTimeout(drawTimer);
    terminal.close();
    engine.close();
  }
}
