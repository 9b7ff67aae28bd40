/**
 * Names of distributions in what `wsl.exe --list --quiet` printed. It prints UTF-16LE whatever the console: taken for
 * UTF-8, every other character is a NUL. A name with a character that did not survive this is left out.
 */
export function decodeWslList(text: string): readonly string[] {
  return text
    .replaceAll('\0', '')
    .replace(/^[\uFEFF\uFFFD]+/, '')
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => /^[\p{L}\p{N}][\p{L}\p{N}._ -]{0,99}$/u.test(line) && !line.startsWith('docker-desktop'))
    .slice(0, 20);
}
