import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const library = fileURLToPath(new URL('library.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-library-'));
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** Child processes that loading the library's CPU build begins, as Node's own diagnostics channel counts them. */
function countChildren(selfTest: boolean): number {
  const script = `
    import { subscribe } from 'node:diagnostics_channel';
    let children = 0;
    subscribe('child_process', () => { children += 1; });
    const { importLibrary } = await import(${JSON.stringify(library)});
    const { getLlama, LlamaLogLevel } = await importLibrary(null, { selfTest: ${String(selfTest)} });
    const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.disabled });
    console.log(JSON.stringify({ children, gpu: llama.gpu }));
    await llama.dispose();`;
  const file = join(folder, 'count.mjs');
  writeFileSync(file, script);
  const said = execFileSync(process.execPath, [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 });
  const { children, gpu } = JSON.parse(said) as { children: number; gpu: unknown };
  expect(gpu).toBe(false);
  return children;
}

it('the library loads its binary in a child first, unless it is told that it was tried', () => {
  // An update of the package may name its test otherwise: then it is made again, and this says so.
  expect(countChildren(true) - countChildren(false)).toBe(1);
}, 120_000);
