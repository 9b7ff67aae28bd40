import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ScriptPiece } from './script-piece.ts';
import { makeChunks, makeModels, type ServerKind } from './server-kinds.ts';

export interface Script {
  readonly pieces?: readonly ScriptPiece[];
  /** Instead of a stream. */
  readonly status?: { readonly code: number; readonly body: string; readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> };
  /** After the last piece: ends well, destroys the socket, says nothing more, ends without `[DONE]` and reason. */
  readonly then?: 'done' | 'cut' | 'stall' | 'end';
  readonly finish?: string;
  /** As the server would count; null: it says no usage. */
  readonly usage?: { readonly prompt: number; readonly answer: number; readonly cached?: number } | null;
  /** The whole answer at once, whatever was asked for. */
  readonly whole?: boolean;
}

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown> | null;
  /** Set when the client went away before the end of the answer; resolves then. */
  readonly left: Promise<void>;
}

export interface OpenAiServer {
  readonly url: string;
  readonly port: number;
  readonly requests: ReceivedRequest[];
  /** Answers to the chat requests that follow. */
  setScript(script: Script | ((request: ReceivedRequest) => Script)): void;
  setModels(models: readonly string[]): void;
  /** Destroys every connection and stops listening, as a process that is killed. */
  kill(): Promise<void>;
}

export interface OpenAiServerOptions {
  readonly kind?: ServerKind;
  readonly models?: readonly string[];
  /** Asked for with `Bearer`. */
  readonly key?: string;
  /** Where its API lies. */
  readonly base?: string;
  readonly port?: number;
  readonly script?: Script;
}

/** A server on the loopback that speaks OpenAI's API as llama-server, vLLM, Ollama and LM Studio do, with faults on request. */
export async function startOpenAiServer({ kind = 'plain', models = ['test-model'], key, base = '/v1', port = 0, script = { pieces: [{ text: 'Hello.' }] } }: OpenAiServerOptions = {}): Promise<OpenAiServer> {
  const sockets = new Set<Socket>();
  const requests: ReceivedRequest[] = [];
  let offered = models;
  let answerWith: (request: ReceivedRequest) => Script = () => script;

  const server = createServer((incoming, response) => {
    void receive(incoming, response).then(async (request) => {
      requests.push(request);
      const { headers, json } = makeModels(kind, offered, request.path.replace(base, '/v1'));
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) return send(response, 401, JSON.stringify({ error: { message: `Incorrect API key provided: ${request.headers.authorization?.replace('Bearer ', '') ?? 'none'}.`, type: 'invalid_request_error' } }));
      if (request.method === 'GET') return json === null ? send(response, 404, JSON.stringify({ error: { message: 'There is no such path.' } })) : send(response, 200, JSON.stringify(json));
      if (request.path !== `${base}/chat/completions` && request.path !== `${base}/completions`) return send(response, 404, JSON.stringify({ error: { message: 'There is no such path.' } }));
      await play(kind, answerWith(request), request, response);
    }).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const at = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${at}${base}`,
    port: at,
    requests,
    setScript(next) { answerWith = typeof next === 'function' ? next : () => next; },
    setModels(next) { offered = next; },
    async kill() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function receive(incoming: IncomingMessage, response: ServerResponse): Promise<ReceivedRequest> {
  const left = new Promise<void>((resolve) => response.once('close', () => { if (!response.writableFinished) resolve(); }));
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { method: incoming.method ?? '', path: incoming.url ?? '', headers: incoming.headers, body: text === '' ? null : (JSON.parse(text) as Record<string, unknown>), left };
}

function send(response: ServerResponse, code: number, body: string, contentType = 'application/json'): void {
  response.writeHead(code, { 'content-type': contentType });
  response.end(body);
}

async function play(kind: ServerKind, script: Script, request: ReceivedRequest, response: ServerResponse): Promise<void> {
  const { pieces = [], status, then = 'done' } = script;
  if (status !== undefined) {
    for (const [name, value] of Object.entries(status.headers ?? {})) response.setHeader(name, value);
    return send(response, status.code, status.body, status.contentType);
  }
  const model = String(request.body?.['model']);
  const raw = request.path.endsWith('/completions') && !request.path.endsWith('/chat/completions');
  const { piece, last } = makeChunks(kind, model, { raw, finish: script.finish ?? 'stop', usage: script.usage === undefined ? { prompt: 12, answer: pieces.length } : script.usage });
  if (script.whole === true) {
    const text = pieces.map((one) => ('text' in one ? one.text : '')).join('');
    return send(response, 200, JSON.stringify({ ...last().at(-1), choices: [{ index: 0, message: { role: 'assistant', content: text }, text, finish_reason: script.finish ?? 'stop' }] }));
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  for (const one of pieces) {
    if ('until' in one) await one.until;
    else response.write('raw' in one ? one.raw : `data: ${JSON.stringify(piece(one))}\n\n`);
    if (response.destroyed) return;
  }
  if (then === 'stall') return;
  if (then === 'cut') {
    // Waits for what was written to be on its way: the cut comes after it.
    await new Promise<void>((resolve) => response.write(': cut\n\n', () => resolve()));
    response.destroy();
    return;
  }
  if (then === 'done') for (const chunk of last()) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end(then === 'done' ? 'data: [DONE]\n\n' : '');
}
