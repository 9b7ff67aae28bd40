/**
 * What a Python process said on standard error before it ended, as a sentence. Pure.
 *
 * faulthandler (`-X faulthandler`, docs.python.org/3/library/faulthandler.html) writes `Fatal Python error: …`, then
 * per thread `Current thread 0x… (most recent call first):` and its frames, innermost first.
 */

/** `File "/x/torch/__init__.py", line 12 in load` → the innermost frame of the thread that died, or null. */
export function parseFaultFrame(stderr: string): string | null {
  // Of several dumps the last counts. The other threads' stacks stand before or after it.
  const from = stderr.lastIndexOf('Current thread ');
  if (from < 0) return null;
  const frame = /^ {2}File "([^"\n]{1,1000})", line (\d+|\?\?\?) in ([^\n]{1,200})$/m.exec(stderr.slice(from));
  return frame === null ? null : `${frame[1] ?? ''}, line ${frame[2] ?? ''}, in ${(frame[3] ?? '').trim()}`;
}

/** The last line that says something: of a traceback that is the exception. At most 300 characters. */
export function lastLine(stderr: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('Extension modules:') && !/^File "[^"]*", line /.test(line) && !/^<no Python frame>$/.test(line));
  const fatal = lines.findLast((line) => line.startsWith('Fatal Python error:'));
  const last = fatal ?? lines.at(-1);
  return last === undefined ? null : last.slice(0, 300);
}
