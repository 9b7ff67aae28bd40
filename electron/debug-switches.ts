/**
 * Switches of Chromium that would open the page to other programs or take its guards away. The fuse
 * `nodeCliInspect` deals with Node's `--inspect`; these are Chromium's own and are removed before it acts on them.
 */
export const DEBUG_SWITCHES = [
  'remote-debugging-port', 'remote-debugging-pipe', 'remote-debugging-address', 'remote-allow-origins', 'auto-open-devtools-for-tabs', 'disable-web-security', 'allow-file-access-from-files',
  'load-extension', 'js-flags', 'unsafely-treat-insecure-origin-as-secure', 'ignore-certificate-errors', 'host-rules', 'host-resolver-rules',
] as const;

/** Which of them to remove: none where looking inside is wanted (a checkout, the test packaging). */
export function decideDroppedSwitches(inspectable: boolean): readonly string[] {
  return inspectable ? [] : DEBUG_SWITCHES;
}
