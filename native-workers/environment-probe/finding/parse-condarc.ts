import { isAbsolute, join } from 'node:path';

const KEYS = /^(?:envs_dirs|envs_path)\s*:\s*(.*)$/;

/** Folders under `envs_dirs` of a .condarc, as block or flow list, with `~` and `$NAME` replaced. Other YAML is passed over. */
export function parseCondarc(text: string, home: string, variable: (name: string) => string | null): readonly string[] {
  const found: string[] = [];
  let inside = false;
  for (const line of text.split(/\r?\n/).slice(0, 2000)) {
    const key = KEYS.exec(line);
    if (key !== null) {
      inside = true;
      const flow = /^\[(.*?)\]/.exec(key[1] ?? '');
      if (flow !== null) found.push(...(flow[1] ?? '').split(','));
      continue;
    }
    const item = /^\s*-\s+(.*)$/.exec(line);
    if (inside && item !== null) found.push(item[1] ?? '');
    else if (/^\S/.test(line) && !line.startsWith('#')) inside = false;
  }
  return found
    .map((value) => value.replace(/\s+#.*$/, '').trim().replace(/^(["'])(.*)\1$/, '$2'))
    .map((value) => value.replace(/^~(?=$|[/\\])/, () => home).replace(/\$\{?(\w+)\}?/g, (whole, name: string) => variable(name) ?? whole))
    .filter((value) => isAbsolute(value))
    .map((value) => join(value));
}
