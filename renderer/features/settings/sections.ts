export interface Section {
  readonly id: string;
  readonly title: string;
  /** In the list at the left, where there is little room. */
  readonly short?: string;
  /** Words by which "Find a setting" finds it, beside what it shows. */
  readonly words: string;
}

export const sections: readonly Section[] = [
  { id: 'appearance', title: 'Appearance', words: 'theme dark light system close tray minimised start window general' },
  { id: 'monitor', title: 'Monitor', words: 'rate hz readings range minutes hours live columns' },
  { id: 'history', title: 'History', words: 'keep days size disk export csv json database retention' },
  { id: 'environments', title: 'Environments', words: 'python torch folders search mirror index wheel proxy snapshot undo drift watch' },
  { id: 'inference', title: 'Models and inference', short: 'Models', words: 'gguf folder download hub mirror connections unload memory queue waiting tokens chat servers providers' },
  { id: 'notifications', title: 'Alerts and notifications', short: 'Notifications', words: 'quiet hours desktop thresholds test problems' },
  { id: 'local-api', title: 'Local API', words: 'web browser port token address prometheus metrics openai http json network' },
  { id: 'secrets', title: 'Secrets', words: 'hub token hugging face keyring password' },
  { id: 'diagnostics', title: 'Logs and report', words: 'log level support bundle diagnostics version folder' },
];

/** The sections that a search leaves; an empty search leaves all. Pure. */
export function findSections(typed: string): readonly Section[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter((w) => w !== '');
  return sections.filter((s) => words.every((w) => `${s.title} ${s.words}`.toLowerCase().includes(w)));
}
