export type Theme = 'system' | 'dark' | 'light';

/** Where the last choice is kept, so that the next start does not flash in the other theme before the engine answers. */
const KEY = 'warpdeck.theme';

/** Sets the theme of the page; `system` leaves it to the media query. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Private windows refuse storage; the theme still counts for this page.
  }
}

/** The theme that was chosen last on this machine. */
export function readLastTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'dark' || stored === 'light' ? stored : 'system';
  } catch {
    return 'system';
  }
}

/** What is on the screen now. */
export function isDark(theme: Theme): boolean {
  return theme === 'system' ? !matchMedia('(prefers-color-scheme: light)').matches : theme === 'dark';
}
