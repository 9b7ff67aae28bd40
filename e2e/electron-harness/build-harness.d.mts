import type { FoundElectron } from './get-electron.d.mts';

export interface Harness {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly electron: FoundElectron;
  readonly app: string;
}
export const HARNESS_APP: string;
export function prependPolyfills(rendererFolder: string): void;
export function buildFor(electron: FoundElectron, out: string, parts?: readonly string[]): void;
export function buildHarness(options?: { readonly rebuild?: boolean }): Harness;
