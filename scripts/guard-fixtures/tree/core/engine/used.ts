import { readFileSync } from 'node:fs';

export function firstJob(): string {
  return readFileSync('jobs', 'utf8');
}
