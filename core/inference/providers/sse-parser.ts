/** Of one event; what is longer is not an answer. */
const MAX_EVENT_CHARACTERS = 8 * 1024 * 1024;

export interface SseParser {
  /**
   * The `data` of each event that these bytes complete.
   * @throws RangeError when an event is longer than `maxCharacters`
   */
  push(bytes: Uint8Array): string[];
  /** What came last without an empty line after it: some servers end so. */
  end(): string[];
}

/** Reads server-sent events piece by piece: any line ending, characters and line endings cut anywhere. */
export function createSseParser(maxCharacters = MAX_EVENT_CHARACTERS): SseParser {
  const decoder = new TextDecoder();
  let line = '';
  let data: string[] = [];
  let held = 0;
  /** A `\n` right after belongs to the `\r` before it. */
  let afterReturn = false;

  const grow = (by: number): void => {
    held += by;
    if (held > maxCharacters) throw new RangeError(`An event is longer than ${maxCharacters} characters.`);
  };
  const endLine = (events: string[]): void => {
    if (line === '') {
      if (data.length > 0) events.push(data.join('\n'));
      data = [];
      held = 0;
    } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line === 'data') data.push('');
    else held -= line.length;
    line = '';
  };
  const read = (text: string): string[] => {
    const events: string[] = [];
    let from = 0;
    for (const match of text.matchAll(/\r\n|\r|\n/g)) {
      if (afterReturn && match.index === 0 && match[0] === '\n') {
        from = 1;
        continue;
      }
      grow(match.index - from);
      line += text.slice(from, match.index);
      endLine(events);
      from = match.index + match[0].length;
    }
    if (text !== '') afterReturn = text.endsWith('\r');
    grow(text.length - from);
    line += text.slice(from);
    return events;
  };
  return {
    push: (bytes) => read(decoder.decode(bytes, { stream: true })),
    end() {
      const events = read(decoder.decode());
      if (line !== '') endLine(events);
      endLine(events);
      return events;
    },
  };
}
