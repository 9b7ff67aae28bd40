// Draws the icons in resources/icons from the bracket mark: PNGs of 16 to 512 px, tray images, and icon.ico.
// The files are committed; run this again when the mark changes. Use: node scripts/make-icons.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';

const folder = fileURLToPath(new URL('../resources/icons', import.meta.url));
/** The mark of renderer/ui/mark.svg on its 14 × 14 grid, as rectangles [x, y, width, height]. */
const MARK = [[0, 0, 6, 3], [0, 3, 3, 8], [0, 11, 6, 3], [8, 0, 6, 3], [11, 3, 3, 8], [8, 11, 6, 3]];
const INK = [232, 235, 237];
const GROUND = [18, 21, 23];
const BLUE = [125, 178, 255];
const AMBER = [233, 180, 76];
/** Samples per pixel and axis. */
const FINE = 8;

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** `paint(x, y)` answers [r, g, b] or null for a point of the unit square. */
function png(size, paint) {
  const rows = Buffer.alloc(size * (size * 4 + 1));
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const sum = [0, 0, 0, 0];
      for (let sy = 0; sy < FINE; sy += 1) {
        for (let sx = 0; sx < FINE; sx += 1) {
          const colour = paint((x + (sx + 0.5) / FINE) / size, (y + (sy + 0.5) / FINE) / size);
          if (colour) [0, 1, 2, 3].forEach((i) => { sum[i] += i === 3 ? 1 : colour[i]; });
        }
      }
      const at = y * (size * 4 + 1) + 1 + x * 4;
      for (let i = 0; i < 3; i += 1) rows[at + i] = sum[3] === 0 ? 0 : Math.round(sum[i] / sum[3]);
      rows[at + 3] = Math.round((sum[3] / FINE ** 2) * 255);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

const inMark = (x, y) => MARK.some(([l, t, w, h]) => x >= l && x < l + w && y >= t && y < t + h);

/** The mark on a dark plate with rounded corners; the right bracket in the accent. Small sizes give the mark more room. */
function appIcon(size) {
  const margin = size <= 24 ? 0.16 : 0.24;
  const radius = 0.18;
  return png(size, (x, y) => {
    const dx = Math.max(radius - x, x - 1 + radius, 0);
    const dy = Math.max(radius - y, y - 1 + radius, 0);
    if (dx * dx + dy * dy > radius * radius) return null;
    const u = ((x - margin) / (1 - 2 * margin)) * 14;
    const v = ((y - margin) / (1 - 2 * margin)) * 14;
    if (!inMark(u, v)) return GROUND;
    return u < 7 ? INK : BLUE;
  });
}

/** The bare mark for the tray, readable on dark and light bars; with a dot when something needs attention. */
function trayIcon(size, attention) {
  const grey = [150, 160, 170];
  return png(size, (x, y) => {
    if (attention) {
      const distance = Math.hypot(x - 0.78, y - 0.22);
      if (distance < 0.2) return AMBER;
      if (distance < 0.27) return null;
    }
    return inMark(((x - 0.06) / 0.88) * 14, ((y - 0.06) / 0.88) * 14) ? grey : null;
  });
}

/** Windows' container: a directory of PNGs. */
function ico(sizes) {
  const images = sizes.map((size) => appIcon(size));
  const header = Buffer.alloc(6 + 16 * sizes.length);
  header.writeUInt16LE(1, 2);
  header.writeUInt16LE(sizes.length, 4);
  let at = header.length;
  sizes.forEach((size, i) => {
    const entry = 6 + 16 * i;
    header.set([size % 256, size % 256, 0, 0, 1, 0, 32, 0], entry);
    header.writeUInt32LE(images[i].length, entry + 8);
    header.writeUInt32LE(at, entry + 12);
    at += images[i].length;
  });
  return Buffer.concat([header, ...images]);
}

mkdirSync(join(folder, 'tray'), { recursive: true });
for (const size of [16, 24, 32, 48, 64, 128, 256, 512]) writeFileSync(join(folder, `${size}x${size}.png`), appIcon(size));
for (const attention of [false, true]) {
  const name = attention ? 'tray-attention' : 'tray';
  writeFileSync(join(folder, 'tray', `${name}.png`), trayIcon(22, attention));
  writeFileSync(join(folder, 'tray', `${name}@2x.png`), trayIcon(44, attention));
}
writeFileSync(join(folder, 'icon.ico'), ico([16, 24, 32, 48, 64, 128, 256]));
