import assert from 'node:assert/strict';

/** A box as it was read: its type, and what is in it. */
export interface Mp4Box {
  readonly type: string;
  readonly body: Buffer;
}

/** A sample of a fragment. */
export interface Mp4Sample {
  readonly decodeMs: number;
  readonly durationMs: number;
  readonly compositionMs: number;
  readonly isSync: boolean;
  readonly data: Buffer;
}

/** The boxes in some bytes, which must end with the last of them. */
export function readBoxes(bytes: Buffer): Mp4Box[] {
  const boxes: Mp4Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    assert.ok(size >= 8 && at + size <= bytes.length, `a box of ${size} bytes at ${at} of ${bytes.length}`);
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return boxes;
}

/** What is in the box at the end of a path of types; `skip` bytes of the last but one are no boxes. */
export function boxAt(bytes: Buffer, path: readonly string[], skip: Readonly<Record<string, number>> = {}): Buffer {
  let body = bytes;
  for (const type of path) {
    const found = readBoxes(body).find((box) => box.type === type);
    assert.ok(found !== undefined, `no ${type}`);
    body = found.body.subarray(skip[type] ?? 0);
  }
  return body;
}

/** The samples of fragments of ours: pairs of moof and mdat. Checks that their boxes agree with each other. */
export function readSamples(bytes: Buffer): Mp4Sample[] {
  const samples: Mp4Sample[] = [];
  const boxes = readBoxes(bytes);
  for (let i = 0; i < boxes.length; i += 2) {
    const [moof, mdat] = [boxes[i]!, boxes[i + 1]!];
    assert.deepEqual([moof.type, mdat.type], ['moof', 'mdat']);
    samples.push(...readFragment(moof.body, mdat.body));
  }
  return samples;
}

function readFragment(moof: Buffer, mdat: Buffer): Mp4Sample[] {
  assert.deepEqual(
    readBoxes(moof).map(({ type }) => type),
    ['mfhd', 'traf'],
  );
  const traf = boxAt(moof, ['traf']);
  assert.deepEqual(
    readBoxes(traf).map(({ type }) => type),
    ['tfhd', 'tfdt', 'trun'],
  );
  assert.equal(boxAt(traf, ['tfhd']).toString('hex'), '0002000000000001');
  const tfdt = boxAt(traf, ['tfdt']);
  assert.equal(tfdt[0], 1);
  const trun = boxAt(traf, ['trun']);
  assert.equal(trun.readUInt32BE(0), 0x01000f01);
  const count = trun.readUInt32BE(4);
  assert.equal(trun.length, 12 + count * 16);
  // From the first byte of the moof to the first behind the head of the mdat.
  assert.equal(trun.readUInt32BE(8), moof.length + 16);
  let decodeMs = Number(tfdt.readBigUInt64BE(4));
  let at = 0;
  const samples = Array.from({ length: count }, (_, i): Mp4Sample => {
    const from = 12 + i * 16;
    const durationMs = trun.readUInt32BE(from);
    const size = trun.readUInt32BE(from + 4);
    const flags = trun.readUInt32BE(from + 8);
    assert.ok(flags === 0x02000000 || flags === 0x01010000);
    const sample = {
      decodeMs,
      durationMs,
      compositionMs: trun.readInt32BE(from + 12),
      isSync: flags === 0x02000000,
      data: mdat.subarray(at, at + size),
    };
    decodeMs += durationMs;
    at += size;
    return sample;
  });
  assert.equal(at, mdat.length);
  return samples;
}
