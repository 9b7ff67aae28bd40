import { useSyncExternalStore } from 'react';

export const pages = ['monitor', 'environments', 'optimise', 'benchmarks', 'chat', 'models', 'alerts', 'settings'] as const;
export type PageName = (typeof pages)[number];

export interface Route {
  readonly page: PageName;
  /** What follows the page: `#/settings/history` is section `history`. */
  readonly section: string | null;
  readonly query: URLSearchParams;
}

/** `#/settings/history?x=1` → its parts. Anything unknown is the monitor. Pure. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [name = '', section = ''] = path.split('/', 2);
  const page = pages.find((p) => p === name) ?? 'monitor';
  return { page, section: page === name && section !== '' ? decodeSafely(section) : null, query: new URLSearchParams(query) };
}

/** The fragment of a place. Pure. */
export function hrefOf(page: PageName, section?: string): string {
  return `#/${page}${section ? `/${encodeURIComponent(section)}` : ''}`;
}

/** Goes to a place as a link would: it is in the window's history. */
export function goTo(page: PageName, section?: string): void {
  location.hash = hrefOf(page, section);
}

/** Goes where a readiness line or a Problem's action points: `alerts`, `settings/local-api`. Unknown: nowhere. */
export function goToPlace(place: string): void {
  const route = parseRoute(`#/${place}`);
  if (place.split('/')[0] === route.page) goTo(route.page, route.section ?? undefined);
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const subscribe = (onChange: () => void): (() => void) => {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
};
let lastHash: string | null = null;
let lastRoute = parseRoute('');

/** The current place. */
export function useRoute(): Route {
  return useSyncExternalStore(subscribe, () => {
    if (location.hash !== lastHash) {
      lastHash = location.hash;
      lastRoute = parseRoute(location.hash);
    }
    return lastRoute;
  });
}
