import { hideCredentials, parseRequirement } from '../parse-requirement.ts';
import { findBuildIndex, isPinnedName, type PinLine } from './pinned-names.ts';

export interface RequirementFile {
  readonly pins: readonly PinLine[];
  readonly includes: readonly { readonly path: string; readonly kind: 'requirements' | 'constraint' }[];
}

/** A requirements file of pip: requirements, `-r` and `-c`, and indexes of one build of torch. */
export function parseRequirementFile(text: string): RequirementFile {
  const pins: PinLine[] = [];
  const includes: { path: string; kind: 'requirements' | 'constraint' }[] = [];
  for (const { text: content, line } of joinLines(text)) {
    const include = /^(?:-r\s*|--requirement[\s=]+|-c\s*|--constraint[\s=]+)(\S.*)$/.exec(content);
    if (include?.[1] !== undefined) {
      includes.push({ path: include[1].replace(/^(["'])(.*)\1$/, '$2'), kind: /^(?:-c|--constraint)/.test(content) ? 'constraint' : 'requirements' });
      continue;
    }
    if (content.startsWith('-')) {
      const index = /^(?:-i|--index-url|--extra-index-url|-f|--find-links)\b/.test(content) ? findBuildIndex(content) : null;
      if (index !== null) pins.push({ line, package: 'torch', specifier: hideCredentials(`from ${index}`) });
      continue;
    }
    const requirement = parseRequirement(content.split(/\s--hash[=\s]/, 1)[0] ?? '');
    if (requirement !== null && isPinnedName(requirement.name) && requirement.specifier !== '') pins.push({ line, package: requirement.name, specifier: requirement.specifier });
  }
  return { pins, includes };
}

/** Lines without comments; a backslash at the end continues. The number is that of the first. */
function* joinLines(text: string): Generator<{ text: string; line: number }> {
  let open = '';
  let first = 0;
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    const content = raw.slice(0, 4000).trimEnd();
    if (open === '') first = line;
    if (content.endsWith('\\') && open.length < 20_000) {
      open += `${content.slice(0, -1)} `;
      continue;
    }
    const whole = (open + content).replace(/(^|\s)#.*$/, '').trim();
    open = '';
    if (whole !== '') yield { text: whole, line: first };
  }
}
