import type { Page } from '@playwright/test';

export interface Act { readonly hash?: string; readonly click?: string }
/** Words that stand there, or that no longer do. */
export interface Sight { readonly selector: string; readonly words: string; readonly gone?: boolean }

/** From a new place in the address, or a click, until the words (all of them, where there are several) are there and that picture is laid out and painted, ms; by the page's own clock. */
export const timeTo = (page: Page, act: Act, until: Sight | readonly Sight[]): Promise<number> => page.evaluate(({ act, sights }) => new Promise<number>((resolve, reject) => {
  const beganMs = performance.now();
  if (act.hash !== undefined) location.hash = act.hash;
  if (act.click !== undefined) {
    const button = [...document.querySelectorAll('button')].find((b) => b.textContent?.startsWith(act.click ?? ''));
    if (button === undefined) return reject(new Error(`There is no button “${act.click}”`));
    button.click();
  }
  const look = (): void => {
    const missing = sights.find((one) => [...document.querySelectorAll(one.selector)].some((e) => e.textContent?.includes(one.words)) === (one.gone === true));
    if (missing === undefined) {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => resolve(performance.now() - beganMs);
      channel.port2.postMessage(null);
    } else if (performance.now() - beganMs > 30_000) reject(new Error(`“${missing.words}” did not ${missing.gone === true ? 'go' : 'come'} within 30 s`));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}), { act, sights: [until].flat() });
