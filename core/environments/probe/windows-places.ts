import type { runTool as runToolOfSystem } from '../../supervisor/run-tool.ts';

const KEYS = ['HKCU\\Software\\Python', 'HKLM\\Software\\Python', 'HKLM\\Software\\WOW6432Node\\Python'];

/**
 * What only programs tell on Windows: the registry's list of Pythons and the distributions that run under WSL (a
 * sleeping one is not woken by a search). Null elsewhere, and for a program that is not there.
 */
export async function readWindowsPlaces(runTool: typeof runToolOfSystem, platform: NodeJS.Platform): Promise<{ readonly registryText: string | null; readonly wslText: string | null }> {
  if (platform !== 'win32') return { registryText: null, wslText: null };
  const read = async (program: string, args: readonly string[]): Promise<string | null> => {
    try {
      const { code, stdout } = await runTool(program, args, '');
      return code === 0 ? stdout : null;
    } catch {
      // Not installed: there is nothing to list.
      return null;
    }
  };
  const [wslText, ...keys] = await Promise.all([read('wsl.exe', ['--list', '--running', '--quiet']), ...KEYS.map((key) => read('reg.exe', ['query', key, '/s']))]);
  const texts = keys.filter((text) => text !== null);
  return { registryText: texts.length === 0 ? null : texts.join('\n'), wslText: wslText ?? null };
}
