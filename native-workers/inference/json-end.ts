/** Tells when a JSON object or list, written piece by piece, is complete: after it a model may go on with blanks for ever. */
export function createJsonEnd(): { push(text: string): boolean } {
  let depth = 0;
  let opened = false;
  let inString = false;
  let escaped = false;
  return {
    push(text) {
      for (const letter of text) {
        if (escaped) escaped = false;
        else if (inString) {
          if (letter === '\\') escaped = true;
          else if (letter === '"') inString = false;
        } else if (letter === '"') inString = true;
        else if (letter === '{' || letter === '[') {
          depth += 1;
          opened = true;
        } else if (letter === '}' || letter === ']') depth -= 1;
      }
      return opened && depth <= 0;
    },
  };
}
