/** What a menu entry does: an intent of the page (its id), something of the window's own, or a standard role. */
export type MenuEntry =
  | { readonly kind: 'intent'; readonly label: string; readonly intent: string; readonly keys?: string }
  | { readonly kind: 'own'; readonly label: string; readonly own: 'open-logs' | 'quit' | 'show'; readonly keys?: string }
  | { readonly kind: 'role'; readonly role: 'about' | 'hide' | 'hideOthers' | 'unhide' | 'services' | 'undo' | 'redo' | 'cut' | 'copy' | 'paste' | 'selectAll' | 'zoomIn' | 'zoomOut' | 'resetZoom' | 'togglefullscreen' | 'minimize' | 'close' | 'front' | 'reload' | 'toggleDevTools' }
  | { readonly kind: 'line' };

export interface MenuPart {
  readonly label: string;
  readonly entries: readonly MenuEntry[];
}

const line: MenuEntry = { kind: 'line' };
const role = (name: Extract<MenuEntry, { kind: 'role' }>['role']): MenuEntry => ({ kind: 'role', role: name });

/** The application menu. Keys that the page handles are shown here and not caught here. */
export function decideMenu(facts: { readonly platform: NodeJS.Platform; readonly inspectable: boolean }): readonly MenuPart[] {
  const mac = facts.platform === 'darwin';
  const settings: MenuEntry = { kind: 'intent', label: 'Settings', intent: 'go.settings', keys: 'CmdOrCtrl+,' };
  const quit: MenuEntry = { kind: 'own', label: 'Quit Warpdeck', own: 'quit', keys: 'CmdOrCtrl+Q' };
  return [
    { label: 'Warpdeck', entries: mac ? [role('about'), line, settings, line, role('services'), line, role('hide'), role('hideOthers'), role('unhide'), line, quit] : [settings, line, quit] },
    { label: 'Edit', entries: [role('undo'), role('redo'), line, role('cut'), role('copy'), role('paste'), role('selectAll')] },
    {
      label: 'View',
      entries: [
        { kind: 'intent', label: 'Search and commands', intent: 'palette.open', keys: 'CmdOrCtrl+K' }, line,
        { kind: 'intent', label: 'Monitor', intent: 'go.monitor', keys: 'Alt+1' },
        { kind: 'intent', label: 'Alerts', intent: 'go.alerts', keys: 'Alt+8' }, line,
        { kind: 'intent', label: 'Look for GPUs again', intent: 'gpus.refresh', keys: 'CmdOrCtrl+R' }, line,
        role('zoomIn'), role('zoomOut'), role('resetZoom'), role('togglefullscreen'),
        ...(facts.inspectable ? [line, role('reload'), role('toggleDevTools')] : []),
      ],
    },
    ...(mac ? [{ label: 'Window', entries: [role('minimize'), role('close'), role('front')] }] : []),
    {
      label: 'Help',
      entries: [
        { kind: 'intent', label: 'Keyboard shortcuts', intent: 'help.open', keys: 'F1' },
        { kind: 'own', label: 'Open logs folder', own: 'open-logs' },
        { kind: 'intent', label: 'Save the support report', intent: 'report.save' },
        ...(mac ? [] : [line, role('about')]),
      ],
    },
  ];
}

/** The tray's menu. The first line is what the tip says, for desktops that show no tips. */
export function decideTrayMenu(tip: string): readonly (MenuEntry | { readonly kind: 'text'; readonly label: string })[] {
  return [
    ...(tip === '' ? [] : [...tip.split('\n').map((label) => ({ kind: 'text' as const, label })), line]),
    { kind: 'own', label: 'Show Warpdeck', own: 'show' },
    { kind: 'intent', label: 'Alerts', intent: 'go.alerts' },
    line,
    { kind: 'own', label: 'Quit Warpdeck', own: 'quit' },
  ];
}
