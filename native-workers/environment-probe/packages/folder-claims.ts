/** Who claims files: a dist-info with a RECORD, or a record of conda. */
export interface RecordOwner {
  readonly name: string;
  readonly version: string;
  /** For a RECORD the package folder, for conda the prefix: paths are relative to it. */
  readonly folder: string;
}

export interface RecordedFile {
  /** As recorded. */
  readonly path: string;
  readonly absolutePath: string;
  /** Null where it is not recorded. */
  readonly sizeBytes: number | null;
  /** Only the link is the owner's, not what it leads to. */
  readonly link: boolean;
}

export interface FolderClaims {
  note(owner: RecordOwner, file: RecordedFile): void;
  /** Its folder has files of several owners. */
  isShared(file: RecordedFile): boolean;
  /** Owners with files in a folder that another one has files in. */
  readonly rivals: ReadonlySet<RecordOwner>;
}

/**
 * Which owners have files in the same folder. A file can only have two owners where its folder has, and an environment
 * with 20,000 files has 2,000 folders of which a few are shared: remembering every file instead made the comparison of
 * 50 environments slower (a tenth to a fifth, together with fewer X-rays at once): most of it the collecting of garbage.
 */
export function createFolderClaims(): FolderClaims {
  const first = new Map<string, RecordOwner>();
  const shared = new Set<string>();
  const rivals = new Set<RecordOwner>();
  // Lists are sorted as a rule: mostly it is the folder of the file before.
  let last = '';
  let lastOwner: RecordOwner | null = null;
  let asked = '';
  let answer = false;
  return {
    note(owner, file) {
      if (saysNothing(file)) return;
      if (owner === lastOwner && isIn(last, file.absolutePath)) return;
      last = folderOf(file.absolutePath);
      lastOwner = owner;
      const other = first.get(last);
      if (other === undefined) first.set(last, owner);
      else if (other !== owner) {
        shared.add(last);
        rivals.add(other).add(owner);
      }
    },
    isShared(file) {
      if (saysNothing(file)) return false;
      if (!isIn(asked, file.absolutePath)) {
        asked = folderOf(file.absolutePath);
        answer = shared.has(asked);
      }
      return answer;
    },
    rivals,
  };
}

/** Losing an empty file (`nvidia/__init__.py`, which a dozen wheels bring) breaks nothing: such claims say nothing. */
const saysNothing = (file: RecordedFile): boolean => file.sizeBytes === 0;

const folderLength = (path: string): number => Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'), 0);
const folderOf = (path: string): string => path.slice(0, folderLength(path));
/** Directly, not in a folder of it. */
const isIn = (folder: string, path: string): boolean => folder !== '' && folderLength(path) === folder.length && path.startsWith(folder);
