import { inflateRawSync } from 'node:zlib';

const ENTRY = 0x02014b50;
const END = 0x06054b50;

/** The files of a ZIP by name, without its 64-bit form. What is cut off has no end, and is an error. */
export function unzip(data: Buffer): Map<string, Buffer> {
  const end = data.length - 22;
  if (end < 0 || data.readUInt32LE(end) !== END) throw new Error('this is no ZIP, or not all of it');
  const files = new Map<string, Buffer>();
  let at = data.readUInt32LE(end + 16);
  for (let left = data.readUInt16LE(end + 10); left > 0; left--) {
    if (data.readUInt32LE(at) !== ENTRY) throw new Error(`no entry at ${at}`);
    const [method, packed, size] = [
      data.readUInt16LE(at + 10),
      data.readUInt32LE(at + 20),
      data.readUInt32LE(at + 24),
    ];
    const [name, extra, comment] = [28, 30, 32].map((field) => data.readUInt16LE(at + field));
    const local = data.readUInt32LE(at + 42);
    const begin = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
    const bytes = data.subarray(begin, begin + packed);
    const file = method === 0 ? bytes : inflateRawSync(bytes);
    if (file.length !== size) throw new Error(`${file.length} bytes of ${size}`);
    files.set(data.toString('utf8', at + 46, at + 46 + (name ?? 0)), file);
    at += 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  return files;
}
