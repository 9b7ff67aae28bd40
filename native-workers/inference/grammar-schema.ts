/** JSON Schema as clients write it, to the part of it that the library makes grammars of. */
import { problemError } from '../../contract/problem-catalogue.ts';

type Schema = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 64;
const MAX_NODES = 20_000;
/** They say nothing about what is valid. */
const NOTES = new Set(['title', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly', '$schema', '$id', '$comment', 'strict', 'name', 'discriminator']);
const KEPT = ['type', 'enum', 'const', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'required', 'description'];
const FORMATS = new Set(['date-time', 'time', 'date']);
const KNOWN = new Set([...KEPT, ...NOTES, 'properties', 'additionalProperties', 'items', 'prefixItems', 'oneOf', 'anyOf', 'allOf', '$ref', '$defs', 'definitions', 'format']);

/**
 * `strict`: what a grammar cannot hold is a Problem; `lenient` (parameters of tools): it is left out, because the
 * caller checks them anyway. @throws ProblemError `generate.schema`
 */
export function toGrammarSchema(schema: Schema, mode: 'strict' | 'lenient'): Record<string, unknown> {
  let nodes = 0;
  const refuse = (detail: string): never => {
    throw problemError('generate.schema', { detail });
  };
  const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
  const definitions = new Set<string>();
  for (const key of ['$defs', 'definitions']) if (isSchema(schema[key])) for (const name of Object.keys(schema[key])) definitions.add(name);

  const convert = (value: unknown, path: string, depth: number): Record<string, unknown> => {
    nodes += 1;
    if (depth > MAX_DEPTH) refuse(`${path}: the schema is nested more than ${MAX_DEPTH} levels deep.`);
    if (nodes > MAX_NODES) refuse(`The schema has more than ${MAX_NODES} parts.`);
    if (value === true) return {};
    if (!isSchema(value)) return refuse(`${path} is no schema.`);
    for (const key of Object.keys(value)) {
      if (!KNOWN.has(key) && mode === 'strict') refuse(`${path}: a grammar cannot hold "${key}".`);
    }
    const made: Record<string, unknown> = {};
    if (typeof value['$ref'] === 'string') {
      const name = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(value['$ref'])?.[1];
      if (name === undefined || !definitions.has(name)) refuse(`${path}: "${value['$ref'].slice(0, 200)}" is not among $defs.`);
      return { $ref: `#/$defs/${name ?? ''}` };
    }
    const all = value['allOf'];
    if (Array.isArray(all)) {
      const [only] = all as unknown[];
      if (all.length === 1) return convert({ ...(only as Schema), ...Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'allOf')) }, path, depth + 1);
      if (mode === 'strict') refuse(`${path}: a grammar cannot hold "allOf" of several schemas.`);
      return {};
    }
    const alternatives = value['oneOf'] ?? value['anyOf'];
    if (Array.isArray(alternatives)) return { oneOf: alternatives.map((one, index) => convert(one, `${path}/${index}`, depth + 1)) };
    for (const key of KEPT) if (value[key] !== undefined) made[key] = value[key];
    if (typeof value['format'] === 'string' && FORMATS.has(value['format'])) made['format'] = value['format'];
    if (Array.isArray(value['type'])) {
      const types = value['type'] as unknown[];
      // Of several types the library knows only the simple ones together.
      if (types.some((type) => type === 'object' || type === 'array')) return { oneOf: types.map((type) => convert({ ...value, type }, path, depth + 1)) };
    }
    const isObject = value['type'] === 'object' || (value['type'] === undefined && isSchema(value['properties']));
    if (isObject) {
      made['type'] = 'object';
      if (isSchema(value['properties'])) made['properties'] = Object.fromEntries(Object.entries(value['properties']).map(([name, one]) => [name, convert(one, `${path}/${name}`, depth + 1)]));
      const more = value['additionalProperties'];
      // Left out, it allows everything; so do we where no property is named.
      if (isSchema(more)) made['additionalProperties'] = convert(more, `${path}/*`, depth + 1);
      else if (more !== false && !isSchema(value['properties'])) made['additionalProperties'] = true;
    }
    if (isSchema(value['items'])) made['items'] = convert(value['items'], `${path}/[]`, depth + 1);
    if (Array.isArray(value['prefixItems'])) made['prefixItems'] = value['prefixItems'].map((one, index) => convert(one, `${path}/[${index}]`, depth + 1));
    return made;
  };

  const made = convert(schema, '#', 0);
  if (definitions.size > 0) {
    const source = { ...(isSchema(schema['definitions']) ? schema['definitions'] : {}), ...(isSchema(schema['$defs']) ? schema['$defs'] : {}) };
    made['$defs'] = Object.fromEntries(Object.entries(source).map(([name, one]) => [name, convert(one, `#/$defs/${name}`, 1)]));
  }
  return made;
}
