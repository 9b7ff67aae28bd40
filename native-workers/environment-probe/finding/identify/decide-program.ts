/** Machines by number of ELF's e_machine. */
const ELF_MACHINES: Readonly<Record<number, string>> = { 3: 'x86 (32 bit)', 8: 'MIPS', 20: 'PowerPC', 21: 'PowerPC 64', 22: 's390', 40: 'ARM (32 bit)', 62: 'x86-64', 183: 'ARM 64', 243: 'RISC-V', 258: 'LoongArch' };
const ELF_OF_ARCH: Readonly<Partial<Record<string, number>>> = { x64: 62, arm64: 183, ia32: 3, arm: 40, ppc64: 21, s390x: 22, riscv64: 243, loong64: 258 };
/** By number of PE's Machine. */
const PE_MACHINES: Readonly<Record<number, string>> = { 0x14c: 'x86 (32 bit)', 0x8664: 'x86-64', 0xaa64: 'ARM 64' };

export interface ProgramFacts {
  /** The first bytes: 4096 hold the program headers of every known linker. */
  readonly head: Uint8Array;
  readonly sizeBytes: number;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

/**
 * Why a file is no program that this machine can run, in words; null when nothing speaks against it.
 * `loader`: what an ELF file needs to be started, whose existence is asked elsewhere.
 */
export function decideProgram({ head, sizeBytes, platform, arch }: ProgramFacts): { readonly trouble: string | null; readonly loader: string | null } {
  const no = (trouble: string): { trouble: string; loader: null } => ({ trouble, loader: null });
  if (sizeBytes === 0) return no('it is an empty file.');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = head.byteLength >= 4 ? view.getUint32(0) : 0;
  if (magic === 0x7f454c46) {
    if (platform !== 'linux') return no('it is a Linux program.');
    return decideElf(view, head, sizeBytes, arch);
  }
  if (magic >>> 16 === 0x4d5a) {
    if (platform !== 'win32') return no(`it is a Windows program; this machine runs ${platform === 'darwin' ? 'macOS' : 'Linux'}.`);
    const at = view.byteLength >= 64 ? view.getUint32(60, true) : Number.MAX_SAFE_INTEGER;
    if (at + 6 > view.byteLength) return at + 6 > sizeBytes ? no('it is a program whose end is missing.') : { trouble: null, loader: null };
    const machine = view.getUint16(at + 4, true);
    // Windows on ARM runs x86-64 programs.
    if (arch === 'x64' && machine === 0xaa64) return no(`it is a program for ${PE_MACHINES[machine] ?? 'another processor'}; this machine is x86-64.`);
    return { trouble: null, loader: null };
  }
  if ([0xcafebabe, 0xcffaedfe, 0xcefaedfe, 0xfeedfacf].includes(magic)) return platform === 'darwin' ? { trouble: null, loader: null } : no('it is a macOS program.');
  if (magic >>> 16 === 0x2321) return no('it is a script, not an interpreter. Warpdeck does not run it to find out what it starts.');
  return no('it is not a program: it has neither the header of one nor a "#!" line.');
}

function decideElf(view: DataView, head: Uint8Array, sizeBytes: number, arch: string): { readonly trouble: string | null; readonly loader: string | null } {
  const cut = { trouble: 'it is a program whose end is missing.', loader: null };
  if (view.byteLength < 52) return cut;
  const wide = view.getUint8(4) === 2;
  const little = view.getUint8(5) === 1;
  const machine = view.getUint16(18, little);
  if (ELF_OF_ARCH[arch] !== undefined && machine !== ELF_OF_ARCH[arch]) {
    return { trouble: `it is a program for ${ELF_MACHINES[machine] ?? `processor ${machine}`}; this machine is ${ELF_MACHINES[ELF_OF_ARCH[arch]] ?? arch}.`, loader: null };
  }
  if (view.byteLength < 64) return cut;
  const u64 = (at: number): number => Number(view.getBigUint64(at, little));
  const table = wide ? u64(32) : view.getUint32(28, little);
  const size = view.getUint16(wide ? 54 : 42, little);
  const count = view.getUint16(wide ? 56 : 44, little);
  if (table + size * count > sizeBytes) return cut;
  let loader: string | null = null;
  for (let i = 0; i < count; i += 1) {
    const at = table + i * size;
    if (at + (wide ? 56 : 32) > view.byteLength) break;
    const type = view.getUint32(at, little);
    const offset = wide ? u64(at + 8) : view.getUint32(at + 4, little);
    const length = wide ? u64(at + 32) : view.getUint32(at + 16, little);
    if (type !== 1 && type !== 3) continue;
    if (offset + length > sizeBytes) return cut;
    if (type === 3 && offset + length <= head.byteLength && length < 1024) loader = new TextDecoder('latin1').decode(head.subarray(offset, offset + length)).replace(/\0.*$/s, '');
  }
  return { trouble: null, loader };
}
