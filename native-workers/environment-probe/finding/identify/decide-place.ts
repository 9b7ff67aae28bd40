/** Where an environment is when it is not simply here: another user's home, a container's volume, a Windows drive. */
export function decidePlace(prefix: string, home: string, insideWsl: boolean): string | null {
  const volume = /^\/var\/lib\/(?:docker\/volumes|containers\/storage\/volumes)\/([^/]+)\//.exec(prefix);
  if (volume !== null) return `container volume ${volume[1] ?? ''}`;
  if (prefix === home || prefix.startsWith(`${home}/`)) return null;
  const other = /^\/(?:home|Users)\/([^/]+)\//.exec(prefix);
  if (other !== null && other[1] !== 'linuxbrew') return `home of ${other[1] ?? ''}`;
  if (/^\/root\//.test(prefix)) return 'home of root';
  const drive = insideWsl ? /^\/mnt\/([a-z])\//.exec(prefix) : null;
  return drive === null ? null : `Windows drive ${(drive[1] ?? '').toUpperCase()}:`;
}
