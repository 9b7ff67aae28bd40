import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { createHistory } from '../../storage/history/create-history.ts';
import { historySettings, keepLog } from '../../storage/history/history-fixtures.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { ask, databaseIn, endEvent, openChat, readyModel, scriptedModel, seedMessages, textEvent, textsOf, until } from './fixtures/chat-fixtures.ts';

const support = fileURLToPath(new URL('fixtures/chat-fixtures.ts', import.meta.url));
const codeOf = (promise: Promise<unknown>): Promise<string | undefined> => promise.then(() => 'fine', (error: unknown) => problemOf(error)?.code);
const say = { parentId: null, attachments: [] };

it('the engine is killed while it writes: what was written stays, marked, and can be asked again', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const script = `
    const { openChat, scriptedModel, textEvent, until } = await import(${JSON.stringify(support)});
    const model = scriptedModel();
    const { chat } = openChat(process.argv[1], model.options, { flushMs: 20 });
    const { id } = await chat.create({});
    await chat.send({ conversationId: id, parentId: null, content: 'go', attachments: [] });
    await until('asked', () => model.requests.length === 1);
    let n = 0;
    setInterval(() => model.say(textEvent(n++ + ' ')), 1);
    console.log(id);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [id] = (await once(createInterface(child.stdout), 'line')) as [string];
  // Read from outside, as another program would: some of it is on disk.
  const reader = new DatabaseSync(path, { readOnly: true });
  const stored = (): string => String(reader.prepare("SELECT content FROM chat_messages WHERE role = 'assistant'").get()?.['content']);
  await until('something is stored', () => stored().length > 100);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  const last = stored();
  reader.close();

  const { chat, close } = openChat(path, readyModel('whole'));
  onTestFinished(close);
  const [conversation] = await chat.list();
  expect(conversation).toMatchObject({ id, writingId: null });
  const { messages } = await chat.page(id, null, 10);
  expect(messages[1]).toMatchObject({ content: last, answer: { state: 'done', reason: 'interrupted', modelName: 'scripted', problem: { code: 'generate.interrupted' } } });
  expect(last).toMatch(/^0 1 2 3 /);
  expect(await chat.search('1 2 3', 5)).toHaveLength(1);
  await chat.regenerate(id, messages[1]?.id ?? '');
  await until('it ends', () => chat.activeCount() === 0);
  expect(textsOf(await chat.page(id, null, 10))).toEqual(['go', 'whole']);
}, 60_000);

it('another program holds the database: sending is refused, an answer is kept until it can be stored', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const model = scriptedModel();
  const opened = openChat(path, model.options, { flushMs: 50 });
  const { chat } = opened;
  const { id } = await chat.create({});
  await chat.send({ conversationId: id, ...say, content: 'go' });
  await until('the model is asked', () => model.requests.length === 1);
  const script = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1], { timeout: 20000 }); db.exec('BEGIN IMMEDIATE'); console.log('held'); process.stdin.on('data', () => { db.exec('COMMIT'); process.exit(0); });`;
  const holder = spawn(process.execPath, ['-e', script, path], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(holder.stdout, 'data');
  model.say(textEvent('kept'), endEvent());
  await until('it ends', () => chat.activeCount() === 0);
  expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'kept' });
  expect(await codeOf(chat.send({ conversationId: id, ...say, content: 'more' }))).toBe('chat.storage');
  expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'kept', answer: { problem: { code: 'chat.storage', facts: { detail: 'another program holds the database' } } } });
  const exit = once(holder, 'exit');
  holder.stdin.write('go\n');
  await exit;
  await until('it is stored', async () => (await chat.page(id, null, 1)).messages[0]?.answer?.problem === null, 30_000);
  await opened.close();
  const again = openChat(path, readyModel('x'));
  onTestFinished(() => again.close());
  expect((await again.chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'kept', answer: { state: 'done', reason: 'stop', problem: null } });
}, 90_000);

it('a full disk: pages go on, sending is refused, an answer that was being written is stored when there is room (a real tmpfs)', () => {
  const dir = makeTestFolder('chat');
  const script = `
    import { writeFileSync, rmSync } from 'node:fs';
    const { ask, openChat, readyModel, scriptedModel, textEvent, endEvent, textsOf, until } = await import(${JSON.stringify(support)});
    const path = process.env.DIR + '/warpdeck.db', model = scriptedModel(), say = { parentId: null, attachments: [] };
    const opened = openChat(path, model.options, { flushMs: 50 }), { chat } = opened;
    const { id } = await chat.create({});
    await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('asked', () => model.requests.length === 1);
    let filler = 0;
    try { for (;;) writeFileSync(process.env.DIR + '/filler' + filler++, Buffer.alloc(4096)); } catch {}
    const long = 'words and words '.repeat(8000);
    model.say(textEvent(long), endEvent());
    await until('it ends', () => chat.activeCount() === 0);
    let refused = null;
    try { await chat.send({ conversationId: id, ...say, content: long }); } catch (error) { refused = error.problem; }
    const during = await chat.page(id, null, 10);
    for (let i = 0; i < filler; i++) rmSync(process.env.DIR + '/filler' + i, { force: true });
    await until('it is stored', async () => (await chat.page(id, null, 1)).messages[0].answer.problem === null);
    await opened.close();
    const again = openChat(path, readyModel('x'));
    await ask(again.chat, id, 'next');
    const after = await again.chat.page(id, null, 10);
    const m = during.messages[1];
    console.log(JSON.stringify({ refused: refused?.code, detail: refused?.facts.detail, whole: m.content === long, problem: m.answer.problem?.code, after: after.messages.length, stored: (await again.chat.page(id, 2, 1)).messages[0].content === long }));
    await again.close();`;
  const shell = 'mount -t tmpfs -o size=3m tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"';
  const result = spawnSync('unshare', ['-rm', 'sh', '-c', shell], { env: { ...process.env, DIR: dir, NODE: process.execPath, SCRIPT: script }, encoding: 'utf8', timeout: 50_000 });
  expect(result.stderr.replace(/.*ExperimentalWarning.*\n.*\n/g, '')).toBe('');
  expect(JSON.parse(result.stdout)).toEqual({ refused: 'chat.storage', detail: 'the disk is full', whole: true, problem: 'chat.storage', after: 4, stored: true });
}, 60_000);

it('a damaged database: set aside, and what can be read of the conversations is taken over', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const first = openChat(path, readyModel('answer'));
  const { id } = await first.chat.create({ title: 'Precious' });
  seedMessages(path, id, 2000, (i) => `seeded message ${i} ${'padding '.repeat(30)}`);
  await first.close();
  const pages = new DatabaseSync(path);
  const page = Number(pages.prepare("SELECT pageno FROM dbstat WHERE name = 'chat_messages' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1 OFFSET 20").get()?.['pageno']);
  pages.close();
  const bytes = readFileSync(path);
  bytes.fill(0xa5, (page - 1) * 8192, page * 8192);
  writeFileSync(path, bytes);

  const { chat, close } = openChat(path, readyModel('x'));
  onTestFinished(close);
  const [conversation] = await chat.list();
  expect(conversation).toMatchObject({ id, title: 'Precious' });
  expect(conversation?.messages).toBeGreaterThan(1800);
  expect(conversation?.messages).toBeLessThan(2000);
  expect((await chat.page(id, null, 1)).messages[0]?.content).toMatch(/^seeded message 1999 /);
  expect(await chat.search('seeded 1999', 5)).toHaveLength(1);
  expect(readdirSync(dirname(path)).filter((name) => name.includes('.broken-') && !/-(wal|shm)$/.test(name))).toHaveLength(1);
  await ask(chat, id, 'go on');
});

it('the history finds the damage first: both begin anew in one file', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const first = openChat(path, readyModel('answer'));
  const { id } = await first.chat.create({ title: 'Precious' });
  seedMessages(path, id, 500, (i) => `seeded message ${i} ${'padding '.repeat(30)}`);
  await first.close();
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.length - 8192 * 2);
  writeFileSync(path, bytes);
  const { chat, store, close } = openChat(path, readyModel('x'));
  const history = createHistory({ databasePath: path, storage: store, getSettings: () => historySettings(), log: silentLogger, flushMs: 50 });
  onTestFinished(async () => {
    await history.close();
    await close();
  });
  await until('the history says so', () => history.problem()?.code === 'history.broken');
  expect(await chat.list()).toMatchObject([{ id, title: 'Precious' }]);
  await ask(chat, id, 'go on');
  expect(history.state()).toBe('on');
  expect(readdirSync(dirname(path)).filter((name) => name.includes('.broken-') && !/-(wal|shm)$/.test(name))).toHaveLength(1);
});

it('conversations do not count as history that is too much', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const { chat, store, close } = openChat(path, readyModel('answer'));
  const history = createHistory({ databasePath: path, storage: store, getSettings: () => historySettings({ sizeCapMiB: 1 }), log: silentLogger, flushMs: 50 });
  onTestFinished(async () => {
    await history.close();
    await close();
  });
  const { id } = await chat.create({});
  await ask(chat, id, 'long '.repeat(2_000_000));
  history.event({ atMs: Date.now(), kind: 'xid', uuid: null, text: 'Xid 1' });
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  db.exec('PRAGMA busy_timeout=5000');
  db.exec("INSERT INTO history_devices (uuid, name) VALUES ('GPU-x', 'x')");
  db.prepare('INSERT INTO history_blocks (tier, device, start_ms, samples, data) VALUES (1, 1, ?, 60, ?)').run(Date.now() - 60_000, new Uint8Array(4000));
  const { openHistoryTables } = await import('../../storage/history/history-tables.ts');
  openHistoryTables(db, path, () => undefined).trim(Date.now(), { sizeCapBytes: 1024 * 1024, minuteDays: 30 });
  expect(db.prepare('SELECT count(*) AS n FROM history_blocks').get()).toMatchObject({ n: 1 });
});

it('of a newer Warpdeck: not touched, chat.storage', async () => {
  const path = databaseIn(makeTestFolder('chat'));
  const first = openChat(path, readyModel('answer'));
  await first.chat.create({});
  await first.close();
  const db = new DatabaseSync(path);
  db.exec("UPDATE schema_version SET version = 99 WHERE area = 'chat'");
  db.close();
  const before = readFileSync(path);
  const { chat, close } = openChat(path, readyModel('x'));
  expect(await codeOf(chat.list())).toBe('chat.storage');
  expect(await codeOf(chat.create({}))).toBe('chat.storage');
  await close();
  expect(readFileSync(path).equals(before)).toBe(true);
});

it.each([['its structure', 'id > 1'], ['a segment', 'id > 10']])('the index of words is damaged (%s): made anew, nothing else is lost', async (_, which) => {
  const path = databaseIn(makeTestFolder('chat'));
  const first = openChat(path, readyModel('answer'));
  const { id } = await first.chat.create({});
  await ask(first.chat, id, 'findable');
  await first.close();
  const db = new DatabaseSync(path, { defensive: false });
  db.exec(`UPDATE chat_words_data SET block = X'0102030405' WHERE ${which}`);
  db.close();
  const log = keepLog();
  const { chat, close } = openChat(path, readyModel('x'), { log });
  onTestFinished(close);
  // The title, made from the message, and the message.
  expect(await chat.search('findable', 5)).toHaveLength(2);
  expect(log.lines.map((line) => line.message)).toEqual(['The index of the conversations is damaged and made anew']);
  expect(textsOf(await chat.page(id, null, 5))).toEqual(['findable', 'answer']);
});
