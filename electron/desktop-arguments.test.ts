import { expect, test } from 'vitest';
import { parseDesktopArguments } from './desktop-arguments.ts';

const env = { WARPDECK_DATA_DIR: '/d' };

test.each([
  ['nothing', [], env, { dataDir: '/d', gpus: null, minimised: false }],
  ['separate values', ['--gpus', 'simulate:2', '--data-dir', '/x'], env, { dataDir: '/x', gpus: 'simulate:2', minimised: false }],
  ['joined values', ['--gpus=replay:/a b.jsonl', '--data-dir=/x'], env, { dataDir: '/x', gpus: 'replay:/a b.jsonl', minimised: false }],
  ['the command line wins over the environment', ['--gpus=none'], { ...env, WARPDECK_GPUS: 'simulate' }, { dataDir: '/d', gpus: 'none', minimised: false }],
  ['environment', [], { ...env, WARPDECK_GPUS: 'simulate' }, { dataDir: '/d', gpus: 'simulate', minimised: false }],
  ['switches of Chromium', ['--no-sandbox', '--ozone-platform=x11', '--minimised'], env, { dataDir: '/d', gpus: null, minimised: true }],
])('%s', (_, args, environment, expected) => {
  expect(parseDesktopArguments(args, environment)).toEqual(expected);
});
