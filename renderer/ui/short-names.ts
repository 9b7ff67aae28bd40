import { formatDeviceName } from './format.ts';

/** A sentence of the engine with the devices' names as the page writes them: without the maker's words. Pure. */
export function shortNames(text: string, names: readonly string[]): string {
  // The longest first: a name may begin with another.
  return [...new Set(names)].sort((a, b) => b.length - a.length).reduce((all, name) => all.replaceAll(name, formatDeviceName(name)), text);
}
