// What main uses and Electron 22 (Node 16) lacks. Each is there only when it is missing, and no more than main and
// the packages bundled into it need.
const electron = require('electron');
const { Blob: NodeBlob } = require('node:buffer');
const streams = require('node:stream/web');
const { app, protocol, session, Menu } = electron;

const define = (target, name, value) => {
  if (target[name] === undefined) Object.defineProperty(target, name, { value, writable: true, configurable: true });
};

for (const name of ['ReadableStream', 'WritableStream', 'TransformStream']) define(globalThis, name, streams[name]);
define(globalThis, 'Blob', NodeBlob);
define(globalThis, 'File', class File extends NodeBlob {});
define(globalThis, 'FormData', class FormData {});
define(globalThis, 'crypto', require('node:crypto').webcrypto);
define(globalThis, 'structuredClone', (value) => require('node:v8').deserialize(require('node:v8').serialize(value)));
define(globalThis, 'CustomEvent', class CustomEvent extends Event {
  constructor(type, options) {
    super(type, options);
    this.detail = options?.detail ?? null;
  }
});
define(Promise, 'withResolvers', function withResolvers() {
  let resolve;
  let reject;
  const promise = new this((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
});
define(Array.prototype, 'toSorted', function toSorted(compare) { return [...this].sort(compare); });
define(Array.prototype, 'toReversed', function toReversed() { return [...this].reverse(); });
define(Array.prototype, 'toSpliced', function toSpliced(...args) { const copy = [...this]; copy.splice(...args); return copy; });
define(Array.prototype, 'findLast', function findLast(test) { for (let i = this.length - 1; i >= 0; i -= 1) if (test(this[i], i, this)) return this[i]; return undefined; });
define(Symbol, 'asyncDispose', Symbol('Symbol.asyncDispose'));
define(Symbol, 'dispose', Symbol('Symbol.dispose'));
define(AbortSignal, 'timeout', (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms).unref();
  return controller.signal;
});
define(AbortSignal, 'any', (signals) => {
  const controller = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
});

define(globalThis, 'Headers', class Headers extends Map {
  constructor(init = {}) {
    super((Symbol.iterator in init ? [...init] : Object.entries(init)).map(([name, value]) => [name.toLowerCase(), String(value)]));
  }
  get(name) { return super.get(name.toLowerCase()) ?? null; }
  has(name) { return super.has(name.toLowerCase()); }
});
define(globalThis, 'Response', class Response {
  constructor(body, { status = 200, headers = {} } = {}) {
    this.body = body;
    this.status = status;
    this.headers = new Headers(headers);
  }
});
define(globalThis, 'Request', class Request {});

define(protocol, 'handle', (scheme, handler) => {
  protocol.registerBufferProtocol(scheme, (request, answer) => {
    void Promise.resolve(handler({ url: request.url, method: request.method, headers: new Headers(request.headers) })).then((response) => {
      const headers = Object.fromEntries(response.headers);
      answer({ statusCode: response.status, headers, mimeType: (headers['content-type'] ?? '').split(';')[0], charset: 'utf-8', data: Buffer.from(response.body ?? '') });
    });
  });
});
define(app, 'setDesktopName', () => undefined);
