import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '../fixtures/test.ts';
import { goToPage, pages } from '../fixtures/pages.ts';

/** A server of another program on this machine: what reaches it got out of the page. */
async function startTrap(): Promise<{ readonly origin: string; readonly hits: string[]; close(): void }> {
  const hits: string[] = [];
  const server = createServer((request, response) => {
    hits.push(request.url ?? '');
    response.setHeader('Access-Control-Allow-Origin', '*').end('caught');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, hits, close: () => { server.close(); server.closeAllConnections(); } };
}

test('a tour through all pages violates no policy and reports no error', async ({ face }) => {
  const { page } = face;
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await page.evaluate(() => {
    const violations: string[] = [];
    Object.assign(globalThis, { violations });
    document.addEventListener('securitypolicyviolation', (e) => violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${String(e.lineNumber)}`));
  });
  for (const name of pages) await goToPage(face, name);
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('F1');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  expect(await page.evaluate(() => (globalThis as unknown as { violations: string[] }).violations)).toEqual([]);
  expect(errors).toEqual([]);
});

test('what is smuggled into the page does not run and does not get out', async ({ face }) => {
  const { page } = face;
  const trap = await startTrap();
  try {
    await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
    const result = await page.evaluate(async (origin) => {
      const violated: string[] = [];
      document.addEventListener('securitypolicyviolation', (e) => violated.push(e.effectiveDirective));
      const ran: string[] = [];
      Object.assign(globalThis, { ran });
      const add = (tag: string, attributes: Record<string, string>, text = ''): void => {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
        element.textContent = text;
        document.body.append(element);
      };
      add('script', {}, 'ran.push("inline script")');
      add('script', { src: `${origin}/script.js` });
      add('img', { src: `${origin}/image.png` });
      add('img', { src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw=', onerror: 'ran.push("handler")' });
      add('link', { rel: 'stylesheet', href: `${origin}/style.css` });
      add('iframe', { src: `${origin}/frame` });
      add('object', { data: `${origin}/object` });
      add('base', { href: origin });
      add('style', {}, 'body { outline: 5px solid red }');
      // In a task of its own: while the driver's own call runs, the policy lets evaluation pass.
      await new Promise<void>((resolve) => {
        setTimeout(() => {
          try { (0, eval)('ran.push("eval")'); } catch { /* wanted */ }
          try { new Function('ran.push("Function")')(); } catch { /* wanted */ }
          resolve();
        }, 0);
      });
      const form = document.createElement('form');
      form.action = `${origin}/form`;
      document.body.append(form);
      form.submit();
      const fetched = await fetch(`${origin}/fetch`).then(() => 'came through', () => 'blocked');
      const ollama = await fetch('http://127.0.0.1:11434').then(() => 'came through', () => 'blocked');
      const file = await fetch('file:///etc/hostname').then(() => 'came through', () => 'blocked');
      const beacon = navigator.sendBeacon(`${origin}/beacon`);
      const socket = await new Promise((resolve) => {
        try {
          const ws = new WebSocket(origin.replace('http', 'ws'));
          ws.onopen = () => { resolve('came through'); };
          ws.onerror = () => { resolve('blocked'); };
        } catch { resolve('blocked'); }
      });
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      return { violated: [...new Set(violated)].sort(), ran, fetched, ollama, file, socket, beacon };
    }, trap.origin);
    expect(result).toMatchObject({ ran: [], fetched: 'blocked', ollama: 'blocked', file: 'blocked', socket: 'blocked' });
    expect(result.violated).toEqual(expect.arrayContaining(['base-uri', 'connect-src', 'form-action', 'frame-src', 'img-src', 'object-src', 'script-src', 'script-src-attr', 'script-src-elem', 'style-src-elem']));
    expect(trap.hits).toEqual([]);
  } finally {
    trap.close();
  }
});
