import { decodeAvcDecoderConfig } from '../../../src/h264/avc-decoder-config.ts';
import { SliceHeader } from '../../../src/h264/slice-header.ts';
import { decodeSps } from '../../../src/h264/sps.ts';
import { headerTag, idr, pps, pps1, readFlv, slice, sps, sps720 } from '../../unit/ingest/publisher-rig.ts';
import type { Seed } from './mutator.ts';
import type { FuzzTarget } from './target.ts';

const fixtures = ['b-frames.flv', 'four-slices.flv', 'high-422.flv', 'interlaced.flv', 'intra-refresh.flv'];
const tagHeadBytes = 5;

/** A decoder configuration with a slice behind it: `[length of the slice][slice][configuration]`. */
function seed(name: string, config: Buffer, picture: Buffer): Seed {
  const head = picture.subarray(0, 40);
  const start = 1 + head.length;
  const bytes = Buffer.concat([Buffer.from([head.length]), head, config]);
  // Length size, number of SPS, length of the first.
  return {
    name,
    bytes,
    prefix: 0,
    headers: [],
    lengths: [
      [start + 4, 1],
      [start + 5, 1],
      [start + 6, 2],
    ],
  };
}

/** Decoder configurations, their parameter sets, and the head of a slice read with them. */
export function parameterSetTarget(): FuzzTarget {
  const seeds = fixtures.map((name) => {
    const tags = readFlv(name);
    const config = tags.find(({ body }) => body[1] === 0)!.body.subarray(tagHeadBytes);
    const picture = tags.find(({ body }) => body[0] === 0x17 && body[1] === 1)!.body.subarray(tagHeadBytes + 4);
    return seed(name, config, picture);
  });
  seeds.push(seed('baseline', headerTag([sps], [pps]).subarray(tagHeadBytes), idr()));
  seeds.push(seed('two of each', headerTag([sps, sps720], [pps, pps1]).subarray(tagHeadBytes), slice()));
  const header = new SliceHeader();
  return {
    name: 'parameter-sets',
    seeds,
    splits: false,
    run(bytes, _cuts, into) {
      const picture = bytes.subarray(1, 1 + (bytes[0] ?? 0));
      const config = decodeAvcDecoderConfig(bytes, 1 + picture.length, bytes.length);
      if (config === null) {
        into.say('no configuration');
        return;
      }
      into.say(`${config.lengthSize} ${config.sps.length} ${config.pps.length}`);
      for (const unit of config.sps) {
        const facts = decodeSps(unit);
        if (facts !== null) into.say(`${facts.width} ${facts.height} ${facts.fps} ${facts.profile} ${facts.level}`);
        if (picture.length > 0) into.say(`${header.read(picture, 0, picture.length, facts)} ${header.firstMb}`);
      }
    },
  };
}
