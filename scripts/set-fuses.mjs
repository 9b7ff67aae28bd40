// Called by electron-builder when an app is packed: burns the fuses of Warpdeck's Electron into it. A fuse that this
// list does not know fails the packaging, so that a new Electron's new fuse is decided and not inherited.
import { join } from 'node:path';
import { flipFuses, FuseState, FuseV1Options, FuseVersion, getCurrentFuseWire } from '@electron/fuses';

/** Fuse → on? */
export const FUSES = {
  RunAsNode: false,
  EnableCookieEncryption: true,
  EnableNodeOptionsEnvironmentVariable: false,
  /** On only in the test packaging: Playwright attaches through it. */
  EnableNodeCliInspectArguments: false,
  /** Without effect on Linux. */
  EnableEmbeddedAsarIntegrityValidation: true,
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false,
  /** Off would only save address space. */
  WasmTrapHandlers: true,
};

/** What the packed app must read back as. `there`: the fuses that this Electron has; the tests' older one has fewer. */
export function decideFuses(there, inspectable) {
  return Object.fromEntries(Object.entries(FUSES).filter(([name]) => there.includes(name)).map(([name, on]) => [name, name === 'EnableNodeCliInspectArguments' ? inspectable : on]));
}

/** The fuses of a program: name → on? */
export async function readFuses(program) {
  const wire = await getCurrentFuseWire(program);
  const named = Object.entries(FuseV1Options).filter(([name, index]) => Number.isNaN(Number(name)) && wire[index] !== undefined);
  return Object.fromEntries(named.map(([name, index]) => [name, wire[index] === FuseState.ENABLE]));
}

/** Path of the program that carries the fuses. */
export function packedProgram(appOutDir, platform, productFilename, executableName) {
  if (platform === 'darwin') return join(appOutDir, `${productFilename}.app`);
  return join(appOutDir, platform === 'win32' ? `${productFilename}.exe` : executableName);
}

export async function afterPack(context) {
  const { packager, appOutDir, electronPlatformName } = context;
  const inspectable = packager.config.extraMetadata?.warpdeckInspectable === true;
  const program = packedProgram(appOutDir, electronPlatformName, packager.appInfo.productFilename, packager.executableName);
  const wanted = decideFuses(Object.keys(await readFuses(program)), inspectable);
  await flipFuses(program, {
    version: FuseVersion.V1,
    strictlyRequireAllFuses: true,
    resetAdHocDarwinSignature: electronPlatformName === 'darwin',
    ...Object.fromEntries(Object.entries(wanted).map(([name, on]) => [FuseV1Options[name], on])),
  });
}
