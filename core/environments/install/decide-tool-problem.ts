import type { ProblemCode, Facts } from '../../../contract/problem-catalogue.ts';

/** What a tool's words mean. `missing` needs a look at the index: the tool does not tell "not there" from "not reached". */
export type ToolTrouble =
  | { readonly kind: 'problem'; readonly code: ProblemCode; readonly facts: Facts; readonly chain: readonly string[] }
  | { readonly kind: 'missing'; readonly requirement: string; readonly words: string; readonly chain: readonly string[] };

export interface ToolEnd {
  readonly tool: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Both outputs, secrets left out. */
  readonly output: string;
  /** Where it was to install: named when the disk is full. */
  readonly path: string;
  /** Where it looked, as shown. */
  readonly index: string;
  readonly idleSeconds: number;
}

const MAX_WORDS = 900;
const TRACE = /^(?:\s|Traceback|During handling|The above exception|ERROR: Exception:)/;

/** Decides from exit and output of pip, uv or conda what went wrong. The order is from the surest sign to the vaguest. */
export function decideToolProblem(end: ToolEnd): ToolTrouble {
  const { output } = end;
  const chain = lastWords(output);
  const problem = (code: ProblemCode, facts: Facts): ToolTrouble => ({ kind: 'problem', code, facts, chain });
  const has = (pattern: RegExp): boolean => pattern.test(output);

  if (has(/No space left on device|os error 28\b|Errno 28\b|NoSpaceLeftError|Disk quota exceeded|os error 122\b|Errno 122\b|There is not enough space on the disk|os error 112\b/)) {
    return problem('file.disk_full', { path: end.path, detail: sentence(output, /No space|os error|Errno|quota|enough space/) });
  }
  if (has(/hash mismatch|DO NOT MATCH THE HASHES|ChecksumMismatch|SHA256 mismatch/i)) {
    const words = block(output, /hash mismatch|DO NOT MATCH THE HASHES|mismatch/i, 8);
    return problem('upgrade.hash_mismatch', { detail: words });
  }
  if (has(/network timeout|ReadTimeoutError|Read timed out|operation timed out|not enough bytes were received|Operation too slow/i) && !has(/ConnectTimeout|tcp connect error|Connection to \S+ timed out\. \(connect/i)) {
    return problem('upgrade.stalled', { seconds: end.idleSeconds });
  }
  if (has(/Bad CRC|BadZipFile|BadZipfile|is invalid\.|invalid wheel|Failed to extract archive|Invalid (?:zip|Zip)|has an invalid|outside (?:the )?target|unsafe path|Wheel .* is invalid|parent directory|Bad magic number|Archive contains|zlib\.error|Metadata .* invalid|RECORD file/i)) {
    return problem('upgrade.hash_mismatch', { detail: block(output, /Bad CRC|BadZip|invalid|extract|outside|unsafe|parent directory|magic|zlib|Archive|RECORD/i, 3) });
  }
  if (has(/No solution found|ResolutionImpossible|conflicting dependencies|ResolutionTooDeep|UnsatisfiableError|LibMambaUnsatisfiableError|Could not solve for environment specs/)) {
    const words = solutionWords(output);
    // uv says in the same form that there is none and that they do not fit.
    const absent = /(?:there (?:is|are) no versions? of|has no wheels? with|has no usable wheels|no wheels are available|was not found in the (?:package registry|provided package locations)|does not exist|has no (?:publish|source) )/i.test(words);
    if (absent && !/depends? on/.test(words)) return { kind: 'missing', requirement: wantedIn(words), words, chain };
    if (absent && /was not found/.test(words)) return { kind: 'missing', requirement: wantedIn(words), words, chain };
    return problem('upgrade.conflict', { detail: words });
  }
  if (has(/is not a trusted or secure host and is being ignored/)) return problem('upgrade.index_unreachable', { index: end.index, detail: 'pip does not use an index without encryption (http) unless PIP_TRUSTED_HOST names its host.' });
  const nothing = /No matching distribution found for ([^\n]+)/.exec(output)?.[1]?.trim();
  if (nothing !== undefined) return { kind: 'missing', requirement: nothing.replace(/\s*\(from .*$/, ''), words: sentence(output, /Could not find a version/), chain };
  if (has(/PackagesNotFoundError|PackagesNotFoundInChannelsError/)) return problem('upgrade.no_wheel', { detail: block(output, /PackagesNotFound/, 6) });
  if (has(/error sending request|Failed to fetch|HTTP status (?:client|server) error|dns error|Connection refused|tcp connect|Could not fetch URL|Max retries exceeded|ProxyError|SSLError|certificate|UnknownIssuer|Connection broken|NewConnectionError|ConnectTimeout|Connection reset|CondaHTTPError|CondaSSLError|HTTPError|Network connectivity|network was disabled|IncompleteRead|error decoding response body|unexpected end of file|Retrying \(/i)) {
    return problem('upgrade.index_unreachable', { index: end.index, detail: networkWords(output) });
  }
  const how = end.signal !== null ? `signal ${end.signal}` : `code ${end.exitCode === null ? 'unknown' : String(end.exitCode)}`;
  return problem('upgrade.tool_failed', { tool: end.tool, how, detail: cut(chain.join(' ') || 'It said nothing.') });
}

const cut = (text: string): string => (text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}…` : text);
const linesOf = (text: string): string[] => text.split(/\r?\n/).map((line) => line.trimEnd()).filter((line) => line.trim() !== '');

/** The last lines that are no stack trace. */
function lastWords(output: string): string[] {
  return linesOf(output).filter((line) => !TRACE.test(line) && !/^\[notice\]|^WARNING: Retrying|^Using Python|^Looking in /.test(line)).slice(-4).map((line) => cut(line.replace(/^(?:ERROR|error):\s*/i, '')));
}

const sentence = (output: string, mark: RegExp): string => cut((linesOf(output).find((line) => mark.test(line)) ?? '').trim().replace(/^(?:ERROR|error|cause):\s*/i, ''));

/** From the first line with the mark, so many lines, as one sentence. */
function block(output: string, mark: RegExp, count: number): string {
  const lines = linesOf(output).filter((line) => !/^\s+(?:File "|\^|raise |return |self\.)/.test(line));
  const at = lines.findIndex((line) => mark.test(line));
  return cut(lines.slice(Math.max(0, at), Math.max(0, at) + count).map((line) => line.trim().replace(/^(?:ERROR|error|cause):\s*/i, '')).join(' '));
}

/** uv's chain of "Because …", pip's "The conflict is caused by:", conda's list. */
function solutionWords(output: string): string {
  const lines = linesOf(output);
  const at = lines.findIndex((line) => /^\s*(?:cause|╰─▶|×)?:?\s*(?:╰─▶)?\s*Because |The conflict is caused by|conflicting dependencies|UnsatisfiableError|Could not solve/.test(line));
  const rest = lines.slice(Math.max(0, at)).filter((line) => !/^(?:hint:|To fix this|ERROR: ResolutionImpossible|\d\. )|for help visit/.test(line.trim()));
  return cut(rest.slice(0, 14).map((line) => line.trim().replace(/^(?:ERROR|error|cause):\s*|^[│╰×├─▶\s]+/i, '')).join(' '));
}

/** The requirement that uv's words are about. */
function wantedIn(words: string): string {
  return /Because ([A-Za-z0-9._-]+(?:==[^\s,]+)?) (?:was|has)/.exec(words)?.[1] ?? /there (?:is|are) no versions? of ([A-Za-z0-9._-]+(?:\[[^\]]*\])?(?:==[^\s,]+)?)/.exec(words)?.[1] ?? /require ([A-Za-z0-9._-]+(?:==[^\s,]+)?)/.exec(words)?.[1] ?? '';
}

/** The line that says what the network did: the last cause is the most exact one. */
function networkWords(output: string): string {
  const marked = linesOf(output).map((line) => line.trim()).filter((line) => /refused|dns|resolve|certificate|issuer|status|timed out|reset|broken|proxy|tunnel|407|403|401|50\d|unreachable|disabled|too many|end of file|SSL/i.test(line) && !/^File "/.test(line));
  return cut((marked.at(-1) ?? linesOf(output).at(-1) ?? '').replace(/^(?:ERROR|error|cause|WARNING):\s*/i, ''));
}
