import type { Wordings } from './wording.ts';

export const dataProblems = {
  'settings.broken': { severity: 'attention', title: 'The settings could not be read', cause: '{path}: {detail}. It was set aside as {aside}.', remedy: '{counts} Copy back from the file what you need.', retry: 'no' },
  'settings.newer': { severity: 'attention', title: 'The settings are from a newer Warpdeck', cause: '{path} has version {found}; this one knows {known}.', remedy: 'Changes are not kept until Warpdeck is updated.', retry: 'no' },
  'settings.not_writable': { severity: 'attention', title: 'Settings cannot be saved', cause: '{path}: {detail}', remedy: 'The change counts until the engine ends. Make room or make the folder writable.', retry: 'later' },
  'secrets.no_keyring': { severity: 'info', title: 'Secrets are kept in a file', cause: 'This system offers no keyring; {path} is readable by you only.', remedy: 'Nothing to do. Install a keyring (libsecret) to have them encrypted.', retry: 'no' },
  'history.broken': { severity: 'attention', title: 'The history was damaged', cause: '{path}: {detail}. It was set aside as {aside} and begun anew.', remedy: 'Nothing to do. The old file can be read with sqlite3.', retry: 'no' },
  'history.disk_full': { severity: 'attention', title: 'History is not written: the disk is full', cause: '{path}: {detail}', remedy: 'Make room; writing goes on by itself.', retry: 'later' },
  'history.newer': { severity: 'attention', title: 'The history is from a newer Warpdeck', cause: '{path} has version {found}; this one knows {known}.', remedy: 'It is read, not written, until Warpdeck is updated.', retry: 'no' },
  'history.off': { severity: 'info', title: 'No history is kept', cause: 'The history cannot be kept: {why}', remedy: 'Live values are kept for ten minutes in memory.', retry: 'no' },
  'file.disk_full': { severity: 'problem', title: 'The disk is full', cause: '{path}: {detail}', remedy: 'Make room on this disk and try again.', retry: 'later' },
  'file.not_writable': { severity: 'problem', title: 'The file cannot be written', cause: '{path}: {detail}', remedy: 'Choose another place.', retry: 'no' },
} as const satisfies Wordings;
