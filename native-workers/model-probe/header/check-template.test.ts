import { describe, expect, it } from 'vitest';
import { checkTemplate } from './check-template.ts';

const chatMl = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

it.each<[string, string, string | null, boolean]>([
  ['ChatML', chatMl, 'ChatML', false],
  ['Llama 3 with tools', "{%- if tools is not none %}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- endif %}{{- '<|start_header_id|>user<|end_header_id|>\\n\\n' }}{%- for tool_call in message.tool_calls %}{% endfor %}", 'Llama 3', true],
  ['Gemma', "{{ '<start_of_turn>' + role }}", 'Gemma', false],
  ['Mistral', "{{ '[INST] ' + message['content'] + ' [/INST]' }}", 'Mistral', false],
  ['unknown', '{{ messages }}', null, false],
])('%s is used as it is', (_name, text, family, tools) => {
  expect(checkTemplate(text)).toMatchObject({ family, tools, refused: null, characters: text.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
});

it('loops over turns, slices and small numbers are no bombs', () => {
  expect(checkTemplate('{% for i in range(0, messages|length, 2) %}{{ messages[i:i+2] }}{% endfor %}{{ strftime_now("%Y-%m-%d") }}{% if n > 262144 %}{% endif %}').refused).toBeNull();
  expect(checkTemplate('{% for i in range(messages|length - 1, -1, -1) %}{{ i }}{% endfor %}').refused).toBeNull();
  expect(checkTemplate('{{ "-" * 40 }}{% if n > 262144 %}{% endif %}').refused).toBeNull();
});

describe('bombs are refused by their text alone', () => {
  it.each<[string, string]>([
    ['6,000 nested brackets', `{{ ${'('.repeat(6000)}1${')'.repeat(6000)} }}`],
    ['101 nested lists', `{{ ${'['.repeat(101)}${']'.repeat(101)} }}`],
    ['a chain of 200 nots', `{% if ${'not '.repeat(200)}x %}{% endif %}`],
    ['a chain of 300 signs', `{{ ${'-'.repeat(300)}1 }}`],
    ['65 nested loops', `${'{% for x in y %}'.repeat(65)}${'{% endfor %}'.repeat(65)}`],
    ['a loop of 99,999,999 steps', '{% for i in range(99999999) %}x{% endfor %}'],
    ['the same, written otherwise', '{% for i in range(99_999_999) %}x{% endfor %}'],
    ['the number set elsewhere', '{% set n = 99999999 %}{% for i in range(n) %}x{% endfor %}'],
    ['loops in loops', '{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}'],
    ['a power', '{% for i in range(10**9) %}x{% endfor %}'],
    ['a text a billion times', "{{ 'x' * 1000000000 }}"],
    ['65,537 characters', 'x'.repeat(65_537)],
    ['the interpreter behind it', "{{ ''.__class__.__mro__ }}"],
    ['the constructor', "{{ messages['constructor'] }}"],
  ])('%s', (_name, text) => {
    expect(checkTemplate(text).refused).toMatch(/^Its? .*\.$/);
  });
});
