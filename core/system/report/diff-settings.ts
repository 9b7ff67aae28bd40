/** Names and values of what differs: `alerts.memory.percent: 95 (90)`. Pure; both are plain data of one shape. */
export function diffSettings(now: unknown, usual: unknown, path = ''): string[] {
  if (isPlain(now) && isPlain(usual)) {
    return [...new Set([...Object.keys(usual), ...Object.keys(now)])].flatMap((key) => diffSettings(now[key], usual[key], path === '' ? key : `${path}.${key}`));
  }
  const [a, b] = [JSON.stringify(now), JSON.stringify(usual)];
  return a === b ? [] : [`${path}: ${a ?? 'nothing'} (${b ?? 'nothing'})`];
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
