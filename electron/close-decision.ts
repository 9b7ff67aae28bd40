/** What stands around the wish to close the last window. */
export interface CloseFacts {
  readonly jobsRunning: readonly string[];
  readonly closeToTray: boolean;
  readonly trayAvailable: boolean;
  /** The user chose Quit, or the system shuts down: not only this window goes. */
  readonly quitting: boolean;
  readonly platform: NodeJS.Platform;
}

export type CloseDecision = 'close' | 'hide' | 'ask';

/** Never into a tray that is not there; a running job is never ended or left behind unasked. */
export function decideClose(facts: CloseFacts): CloseDecision {
  if (!facts.quitting && facts.closeToTray && facts.trayAvailable) return 'hide';
  if (!facts.quitting && facts.platform === 'darwin') return 'hide';
  return facts.jobsRunning.length > 0 ? 'ask' : 'close';
}

/** The words of the question. */
export function wordCloseQuestion(jobs: readonly string[]): { readonly message: string; readonly detail: string } {
  const [first, ...more] = jobs;
  const message = jobs.length === 1 ? `${first ?? 'A job'} is running.` : `${String(jobs.length)} jobs are running.`;
  const list = more.length > 0 ? `${jobs.slice(0, 5).join('\n')}${jobs.length > 5 ? '\n…' : ''}\n\n` : '';
  return { message, detail: `${list}Kept running, it goes on without a window and is there again when Warpdeck is opened. Stopped, what is half done is undone where that is possible.` };
}

export type CloseAnswer = 'keep' | 'stop' | 'cancel';

/**
 * What the app does after the answer. An AppImage's files are there only as long as the app runs, so there the app
 * itself stays, without a window, until the jobs have ended.
 */
export function decideAfterAnswer(answer: CloseAnswer, appImage: boolean): 'close' | 'stop-and-close' | 'linger' | 'stay' {
  if (answer === 'cancel') return 'stay';
  if (answer === 'stop') return 'stop-and-close';
  return appImage ? 'linger' : 'close';
}
