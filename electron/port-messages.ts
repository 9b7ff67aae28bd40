/** Preload → page, with the engine's and the shell's port. renderer/connection/port-transport.ts has the same words. */
export const PORT_MESSAGE = 'warpdeck:port';
/** Page → preload → main: the page has no port (yet, or any more) and wants one. */
export const WANT_PORT_MESSAGE = 'warpdeck:want-port';
