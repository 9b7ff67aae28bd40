import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandLine, commentLines, pathArgument, quoteArgument } from './quote-command.ts';

const nasty = ['plain', '/home/me/my envs/.venv', "it's", '"double"', 'a\nb', 'a\r\nb', '-rf', '--', '$HOME', '`id`', '$(id)', 'a;b', 'a&b', 'a|b', '~', '~root', '*', '?', '[a]', '{a,b}', '!x', '#x', '=ls', '\\', 'a\\b', 'ü → 日本', '', ' ', '\t', "'", "''", 'torch==2.14.1+cu130', 'x>=1,<2', '%PATH%', '(a)', '<a', 'a=b c'];

describe('quoting', () => {
  it.each(['sh', 'bash'])('every argument comes out of a real %s as it went in', (shell) => {
    for (const text of nasty) {
      const out = execFileSync(shell, ['-c', commandLine(['printf', '%s\\0', text, 'end'], 'linux_x86_64')], { encoding: 'utf8' });
      expect(out, JSON.stringify(text)).toBe(`${text}\0end\0`);
    }
  });

  it('leaves what needs no quotes as it is: requirements are readable', () => {
    expect(commandLine(['uv', 'pip', 'install', '--index-url', 'https://download.pytorch.org/whl/cu130', 'torch==2.14.1+cu130'], 'linux_x86_64')).toBe('uv pip install --index-url https://download.pytorch.org/whl/cu130 torch==2.14.1+cu130');
  });

  it.each([
    ['C:\\envs\\a\\python.exe', 'C:\\envs\\a\\python.exe'],
    ['C:\\my envs\\python.exe', "'C:\\my envs\\python.exe'"],
    ["C:\\it's", "'C:\\it''s'"],
    // PowerShell ends a string at these as well.
    ['C:\\it’s', "'C:\\it’’s'"],
    ['a,b', "'a,b'"], ['$x', "'$x'"], ['@x', "'@x'"], ['', "''"], ['numpy>=2', "'numpy>=2'"],
  ])('PowerShell: %s', (text, quoted) => { expect(quoteArgument(text, 'windows_x86_64')).toBe(quoted); });

  it('PowerShell runs a quoted program only after &', () => {
    expect(commandLine(['C:\\my envs\\python.exe', '-m', 'pip'], 'windows_x86_64')).toBe("& 'C:\\my envs\\python.exe' -m pip");
    expect(commandLine(['uv', 'pip'], 'windows_x86_64')).toBe('uv pip');
  });

  it('a path with a leading dash is no option', () => {
    expect(pathArgument('-rf/bin/python', 'linux_x86_64')).toBe('./-rf/bin/python');
    expect(pathArgument('/-rf', 'linux_x86_64')).toBe('/-rf');
  });

  it('nothing leaves a comment', () => {
    const text = commentLines(['a\nrm -rf x', '', 'b\rtouch y']);
    expect(text.split('\n').every((l) => l.startsWith('#'))).toBe(true);
    expect(text).not.toContain('\r');
    expect(execFileSync('sh', ['-c', `${text}\necho still here`], { encoding: 'utf8' })).toBe('still here\n');
  });
});
