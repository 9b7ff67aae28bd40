import { halfBits, type GgmlType } from './ggml-types.ts';

/** Numbers of 32 bits, the same for the same seed (xorshift32). */
export function createRandom(seed: number): () => number {
  let state = (seed >>> 0) || 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const exponentOf = (sigma: number): number => Math.round(Math.log2(sigma / 1.5));

/**
 * `blocks` blocks of random weights with about this standard deviation. Bits are random, scales are set: no block
 * holds NaN, infinity or anything far from the rest, so that a model made of them computes as a real one does.
 */
export function makeBlocks(type: GgmlType, blocks: number, sigma: number, random: () => number): Buffer {
  const buffer = Buffer.alloc(blocks * type.bytes);
  if (type.layout === 'zeros') return buffer;
  const words = new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.byteLength >> 2);
  for (let i = 0; i < words.length; i++) words[i] = random();
  for (let i = words.length * 4; i < buffer.length; i++) buffer[i] = random() & 0xff;
  setScales(buffer, type, sigma, random);
  return buffer;
}

function setScales(buffer: Buffer, type: GgmlType, sigma: number, random: () => number): void {
  const exponent = exponentOf(sigma);
  switch (type.layout) {
    case 'f32':
      for (let at = 0; at < buffer.length; at += 4) buffer.writeUInt32LE(((buffer.readUInt32LE(at) & 0x807fffff) | ((exponent + 127) << 23)) >>> 0, at);
      return;
    case 'f16':
      for (let at = 0; at < buffer.length; at += 2) buffer.writeUInt16LE((buffer.readUInt16LE(at) & 0x83ff) | (Math.max(1, exponent + 15) << 10), at);
      return;
    case 'bf16':
      for (let at = 0; at < buffer.length; at += 2) buffer.writeUInt16LE((buffer.readUInt16LE(at) & 0x807f) | ((exponent + 127) << 7), at);
      return;
    case 'mxfp4':
      // A power of two for 32 weights of 0 to 12 halves.
      for (let at = 0; at < buffer.length; at += type.bytes) buffer[at] = 128 + Math.round(Math.log2(sigma / 6));
      return;
    case 'nvfp4':
      // UE4M3: four exponent bits with a bias of 7, three of mantissa; 1/64 is its smallest normal number.
      for (let at = 0; at < buffer.length; at += type.bytes) for (let i = 0; i < 4; i++) buffer[at + i] = (Math.max(1, Math.min(14, 7 + Math.round(Math.log2(sigma / 3)))) << 3) | (random() & 7);
      return;
    case 'iq1_m': {
      // Its scale is spread over the upper four bits of four 16-bit words, lowest bits first.
      const bits = halfBits(sigma * 0.14);
      for (let at = 48; at < buffer.length; at += type.bytes) {
        for (let i = 0; i < 4; i++) buffer.writeUInt16LE((buffer.readUInt16LE(at + 2 * i) & 0x0fff) | (((bits >> (4 * i)) & 15) << 12), at + 2 * i);
      }
      return;
    }
    case 'blocks':
      for (let block = 0; block < buffer.length; block += type.bytes) {
        // Blocks differ by a fifth, as those of real weights do. Half of them are turned round: the middle of random bits
        // is not zero, and a common mean of all weights would make every answer the same token again and again.
        const here = sigma * (0.8 + 0.4 * (random() / 2 ** 32)) * (random() > 2 ** 31 ? 1 : -1);
        for (const scale of type.scales) buffer.writeUInt16LE(halfBits(here * scale.factor), block + scale.at);
      }
      return;
    case 'zeros':
      return;
  }
}

/** The same number `count` times: norms are 1, biases 0. Only for types without blocks. */
export function makeConstants(type: GgmlType, count: number, value: number): Buffer {
  const buffer = Buffer.alloc(count * type.bytes);
  if (value === 0) return buffer;
  if (type.layout === 'f32') for (let i = 0; i < count; i++) buffer.writeFloatLE(value, i * 4);
  if (type.layout === 'f16') for (let i = 0; i < count; i++) buffer.writeUInt16LE(halfBits(value), i * 2);
  if (type.layout === 'bf16') {
    const bits = new Uint32Array(new Float32Array([value]).buffer)[0] ?? 0;
    for (let i = 0; i < count; i++) buffer.writeUInt16LE(bits >>> 16, i * 2);
  }
  return buffer;
}
