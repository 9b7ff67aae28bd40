import { z } from 'zod';
import { environmentXray, foundEnvironment, libraryCensus } from './environments.ts';
import { problem } from './problem.ts';

/** Operations of the environment-probe worker (`call` messages). */
export const findRequest = z.object({
  /** Folders that the user added: searched to a depth, whatever they are. */
  folders: z.array(z.string()),
  /** Interpreters of running processes, by real path. */
  interpreters: z.array(z.string()),
  /** Instead of the machine's own places (tests, benchmarks): a root below which all places are looked for. */
  home: z.string().nullable().default(null),
  /** Only `folders` and `interpreters`: nothing of the machine (tests, `doctor --env PATH`). */
  onlyGiven: z.boolean().default(false),
  /** What `reg.exe query …\Software\Python /s` printed (PEP 514); the worker runs no program. */
  registryText: z.string().nullable().default(null),
  /** What `wsl.exe --list --running --quiet` printed: UTF-16LE, taken for UTF-8. */
  wslText: z.string().nullable().default(null),
});
export type FindRequest = z.infer<typeof findRequest>;

export const findReply = z.object({
  environments: z.array(foundEnvironment),
  /** Places that could not be read, and why; none stops the search. */
  problems: z.array(problem),
  tookMs: z.number(),
  foldersSeen: z.int(),
});
export type FindReply = z.infer<typeof findReply>;

export const xrayRequest = z.object({
  environment: foundEnvironment,
  /** Compare every RECORD entry with what is there. */
  record: z.boolean().default(true),
  /** Look for pins in the project's files. */
  pins: z.boolean().default(true),
});
export type XrayRequest = z.infer<typeof xrayRequest>;
export const xrayReply = environmentXray;

/** `library`: one shared library by its path; whatever the file is, there is an answer. */
export const libraryRequest = z.object({ path: z.string().min(1).max(4096) });
export const libraryReply = z.object({
  census: libraryCensus,
  /** Names of the libraries that it is linked with (ELF). */
  needed: z.array(z.string()),
});
export type LibraryReply = z.infer<typeof libraryReply>;

/** `watch`: what to tell changes of. Events `changed` follow, each with environment ids. */
export const watchRequest = z.object({ targets: z.array(z.object({ id: z.string(), folders: z.array(z.string()) })) });
export type WatchRequest = z.infer<typeof watchRequest>;
export const changedEvent = z.object({ ids: z.array(z.string()), atMs: z.number() });
export type ChangedEvent = z.infer<typeof changedEvent>;

/** Event `watching`, after each `watch`. `note`: why some folders are only looked at now and then; null where all are watched. */
export const watchingEvent = z.object({ watched: z.int(), polled: z.int(), note: z.string().nullable() });
