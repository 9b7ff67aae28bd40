export interface CanaryIdentity {
  readonly driver: string | null;
  readonly torch: string | null;
  readonly engine: string | null;
}

const names: Readonly<Record<keyof CanaryIdentity, string>> = { driver: 'driver', torch: 'PyTorch', engine: 'llama.cpp' };

/** What has changed, in words; null: nothing, or nothing that is known on both sides. */
export function describeChange(before: CanaryIdentity, after: CanaryIdentity): string | null {
  const changes = (Object.keys(names) as (keyof CanaryIdentity)[]).flatMap((key) => (before[key] === null || after[key] === null || before[key] === after[key] ? [] : [`${names[key]} ${before[key]} → ${after[key]}`]));
  return changes.length === 0 ? null : changes.join(', ');
}
