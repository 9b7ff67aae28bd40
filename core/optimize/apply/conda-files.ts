import { join } from 'node:path';
import type { NewFile } from './new-file.ts';
import { HOOK_NAME } from './hook-files.ts';

type Variables = Readonly<Record<string, string>>;
interface Dialect {
  readonly ending: string;
  /** Only what nobody set; what was set is remembered. */
  activate(variables: Variables): string;
  /** What is still as it was set goes; what the user changed meanwhile stays. */
  deactivate(variables: Variables): string;
}

const mark = (name: string): string => `_WARPDECK_SET_${name}`;
const each = (variables: Variables, line: (name: string, value: string) => string): string => Object.entries(variables).map(([name, value]) => line(name, value)).join('');
const HEADER = 'Written by Warpdeck. WARPDECK_OPTIMIZE=0 switches it off.';

const sh: Dialect = {
  ending: 'sh',
  activate: (variables) => `# ${HEADER}\nif [ "\${WARPDECK_OPTIMIZE:-}" != "0" ]; then\n${each(variables, (name, value) => `  if [ -z "\${${name}+set}" ]; then export ${name}='${value}'; export ${mark(name)}=1; fi\n`)}fi\n`,
  deactivate: (variables) => `# ${HEADER}\n${each(variables, (name, value) => `if [ "\${${mark(name)}:-}" = "1" ]; then\n  if [ "\${${name}:-}" = '${value}' ]; then unset ${name}; fi\n  unset ${mark(name)}\nfi\n`)}`,
};
const fish: Dialect = {
  ending: 'fish',
  activate: (variables) => `# ${HEADER}\nif test "$WARPDECK_OPTIMIZE" != 0\n${each(variables, (name, value) => `  if not set -q ${name}\n    set -gx ${name} '${value}'\n    set -gx ${mark(name)} 1\n  end\n`)}end\n`,
  deactivate: (variables) => `# ${HEADER}\n${each(variables, (name, value) => `if test "$${mark(name)}" = 1\n  if test "$${name}" = '${value}'\n    set -e ${name}\n  end\n  set -e ${mark(name)}\nend\n`)}`,
};
const powershell: Dialect = {
  ending: 'ps1',
  activate: (variables) => `# ${HEADER}\nif ($Env:WARPDECK_OPTIMIZE -ne "0") {\n${each(variables, (name, value) => `  if (-not (Test-Path Env:${name})) { $Env:${name} = '${value}'; $Env:${mark(name)} = '1' }\n`)}}\n`,
  deactivate: (variables) => `# ${HEADER}\n${each(variables, (name, value) => `if ($Env:${mark(name)} -eq '1') {\n  if ($Env:${name} -eq '${value}') { Remove-Item Env:${name} }\n  Remove-Item Env:${mark(name)}\n}\n`)}`,
};
const batch: Dialect = {
  ending: 'bat',
  activate: (variables) => `@rem ${HEADER}\n@if "%WARPDECK_OPTIMIZE%"=="0" goto :eof\n${each(variables, (name, value) => `@if not defined ${name} (set "${name}=${value}" & set "${mark(name)}=1")\n`)}`.replaceAll('\n', '\r\n'),
  deactivate: (variables) => `@rem ${HEADER}\n${each(variables, (name, value) => `@if "%${mark(name)}%"=="1" if "%${name}%"=="${value}" set "${name}="\n@set "${mark(name)}="\n`)}`.replaceAll('\n', '\r\n'),
};

/** What conda runs when it enters and leaves an environment: what leaves is written first. Pure. */
export function makeCondaFiles(prefix: string, variables: Variables, platform: NodeJS.Platform): NewFile[] {
  // They are put between quotes of four shells: only what means nothing in any of them.
  for (const [name, value] of Object.entries(variables)) if (!/^[A-Z_][A-Z0-9_]*$/.test(name) || !/^[\w:.,/=-]*$/.test(value)) throw new Error(`Not for a shell: ${name}`);
  const dialects = platform === 'win32' ? [batch, powershell, sh] : [sh, fish, powershell];
  const file = (what: 'activate' | 'deactivate', dialect: Dialect): NewFile => ({ path: join(prefix, 'etc', 'conda', `${what}.d`, `${HOOK_NAME}.${dialect.ending}`), text: dialect[what](variables), mode: 0o644 });
  return [...dialects.map((one) => file('deactivate', one)), ...dialects.map((one) => file('activate', one))];
}

/** For pixi's manifest, to be copied. */
export const pixiLines = (variables: Variables): string => `[activation.env]\n${each(variables, (name, value) => `${name} = ${JSON.stringify(value)}\n`)}`;
