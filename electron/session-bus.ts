import { createConnection } from 'node:net';

/**
 * The two questions that are asked of the session's D-Bus, in its wire format (dbus-specification, "Message
 * Protocol"), because Electron does not say whether a tray icon would be seen anywhere.
 */

/** `unix:path=/run/user/1000/bus,guid=…;…` → the first Unix socket's path; an abstract one begins with NUL. */
export function parseBusAddress(address: string): string | null {
  for (const entry of address.split(';')) {
    const [transport, options = ''] = entry.split(/:(.*)/s);
    if (transport !== 'unix') continue;
    for (const option of options.split(',')) {
      const [key, value] = option.split(/=(.*)/s);
      if (value === undefined) continue;
      const text = decodeURIComponent(value);
      if (key === 'path') return text;
      if (key === 'abstract') return `\u0000${text}`;
    }
  }
  return null;
}

const BUS = 'org.freedesktop.DBus';
const padTo = (length: number, boundary: number): Buffer => Buffer.alloc((boundary - (length % boundary)) % boundary);

function stringOf(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(`${text}\u0000`)]);
}

/** A method call to the bus itself, with one string argument or none. */
export function encodeBusCall(serial: number, member: string, argument: string | null): Buffer {
  const body = argument === null ? Buffer.alloc(0) : stringOf(argument);
  let fields = Buffer.alloc(0);
  const add = (code: number, signature: 's' | 'o' | 'g', value: string): void => {
    const encoded = signature === 'g' ? Buffer.concat([Buffer.from([value.length]), Buffer.from(`${value}\u0000`)]) : stringOf(value);
    const head = Buffer.concat([padTo(fields.length, 8), Buffer.from([code, 1, signature.charCodeAt(0), 0])]);
    const before = fields.length + head.length;
    fields = Buffer.concat([fields, head, signature === 'g' ? Buffer.alloc(0) : padTo(before, 4), encoded]);
  };
  add(1, 'o', '/org/freedesktop/DBus');
  add(2, 's', BUS);
  add(3, 's', member);
  add(6, 's', BUS);
  if (argument !== null) add(8, 'g', 's');
  const head = Buffer.alloc(16);
  head.set([0x6c, 1, 0, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(fields.length, 12);
  return Buffer.concat([head, fields, padTo(16 + fields.length, 8), body]);
}

export interface BusMessage {
  readonly type: number;
  readonly replySerial: number | null;
  readonly body: Buffer;
  /** Bytes of the whole message. */
  readonly size: number;
}

/** The first message in the bytes, or null while it is incomplete. Only little-endian, which we asked for. */
export function decodeBusMessage(bytes: Buffer): BusMessage | null {
  if (bytes.length < 16) return null;
  const bodyLength = bytes.readUInt32LE(4);
  const fieldsEnd = 16 + bytes.readUInt32LE(12);
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8;
  if (bytes.length < bodyStart + bodyLength) return null;
  let replySerial: number | null = null;
  for (let at = 16; at < fieldsEnd; ) {
    at = Math.ceil(at / 8) * 8;
    const code = bytes[at];
    const signature = String.fromCharCode(bytes[at + 2] ?? 0);
    at += 4;
    if (signature === 'g') {
      at += 2 + (bytes[at] ?? 0);
      continue;
    }
    at = Math.ceil(at / 4) * 4;
    const value = bytes.readUInt32LE(at);
    if (code === 5) replySerial = value;
    at += signature === 'u' ? 4 : 5 + value;
  }
  return { type: bytes[1] ?? 0, replySerial, body: bytes.subarray(bodyStart, bodyStart + bodyLength), size: bodyStart + bodyLength };
}

/** Who draws tray icons (StatusNotifierItem) on Linux desktops; GNOME has nobody without an extension. */
export const TRAY_HOST = 'org.kde.StatusNotifierWatcher';

/** Is a name owned on the session bus? False when there is no bus or it does not answer within a second. */
export async function isNameOwned(address: string | undefined, name: string, userId: number, timeoutMs = 1000): Promise<boolean> {
  const path = address === undefined ? null : parseBusAddress(address);
  if (path === null) return false;
  return new Promise((resolve) => {
    const socket = createConnection(path);
    let received: Buffer = Buffer.alloc(0);
    let authenticated = false;
    const finish = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => { finish(false); }, timeoutMs);
    socket.once('error', () => { finish(false); });
    socket.once('close', () => { finish(false); });
    socket.once('connect', () => { socket.write(`\u0000AUTH EXTERNAL ${Buffer.from(String(userId)).toString('hex')}\r\n`); });
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (!authenticated) {
        const end = received.indexOf('\r\n');
        if (end < 0) return;
        if (!received.subarray(0, end).toString().startsWith('OK ')) {
          finish(false);
          return;
        }
        received = received.subarray(end + 2);
        authenticated = true;
        socket.write(Buffer.concat([Buffer.from('BEGIN\r\n'), encodeBusCall(1, 'Hello', null), encodeBusCall(2, 'NameHasOwner', name)]));
      }
      for (let message = decodeBusMessage(received); message; message = decodeBusMessage(received)) {
        received = received.subarray(message.size);
        if (message.replySerial === 2) finish(message.type === 2 && message.body.readUInt32LE(0) === 1);
      }
    });
  });
}
