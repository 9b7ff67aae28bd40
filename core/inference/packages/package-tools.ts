import type { IndexAccess } from '../../environments/install/install-tool.ts';

/** How this user gets packages: the indexes, and what can fetch from them. */
export interface PackageTools {
  access(): IndexAccess;
  /** uv, where it is. */
  uv(): Promise<string | null>;
  /** Interpreters that may have pip, best first. */
  pythons(): Promise<readonly string[]>;
}

export interface ExactPackage {
  readonly name: string;
  readonly version: string;
  /** Of its wheels, hexadecimal: any other is refused. Given for all packages of a run, or for none. */
  readonly sha256?: readonly string[];
}

/** PEP 508 names and PEP 440 versions, without what a command line could misread. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const VERSION = /^[0-9][0-9A-Za-z.+!]{0,60}$/;
export const isPackage = ({ name, version, sha256 = [] }: ExactPackage): boolean => NAME.test(name) && VERSION.test(version) && sha256.every((one) => /^[0-9a-f]{64}$/.test(one));

/** The index that is set, and nothing else. */
export function indexArgumentsOf(tool: 'pip' | 'uv', access: Pick<IndexAccess, 'packageIndexUrl' | 'wheelFolder'>): string[] {
  if (access.wheelFolder !== null) return ['--no-index', '--find-links', access.wheelFolder];
  return access.packageIndexUrl === null ? [] : [tool === 'pip' ? '--index-url' : '--default-index', access.packageIndexUrl];
}

/** What is worth telling of a tool's output: its last word of an error, without credentials and secrets. Pure. */
export function lastWordOf(output: string): string {
  const lines = output.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@').split(/\r?\n/).map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim()).filter((line) => line !== '');
  const at = lines.findLastIndex((line) => /^(?:ERROR|error|×)/.test(line));
  const said = lines.at(at) ?? 'It said nothing.';
  // uv says what is behind it in lines of their own.
  const causes = at < 0 ? [] : lines.slice(at + 1).flatMap((line) => /^(?:cause|Caused by): *(.+)$/.exec(line)?.[1] ?? []);
  return [said.replace(/^(?:ERROR|error|×)[: ]*/, ''), ...causes].join(': ').slice(0, 500);
}
