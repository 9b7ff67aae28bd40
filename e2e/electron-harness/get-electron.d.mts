export interface FoundElectron {
  readonly executable: string;
  /** Its folder, without an app in it. */
  readonly dist: string;
  readonly version: string;
  readonly from: string;
  /** Needs the harness's shims and polyfills. */
  readonly old: boolean;
}
export const SHIMS_BELOW: number;
export function getElectron(options?: { readonly download?: boolean }): FoundElectron | null;
export function wrapOldElectron(found: FoundElectron): string;
