/**
 * The least an RTMP client must say to publish or play, as bytes made beforehand. It does not use `src/rtmp`: a load
 * generator must not share the mistakes of what it measures.
 */
import { rtmpMessage } from './synthetic-stream.ts';

/** C0 and C1: version 3, time 0, zero, then bytes of no meaning. */
export const clientHello = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(1528, 0x5a)]);
/** Length of S0, S1 and S2 together. */
export const serverHelloLength = 1 + 1536 + 1536;

/** Which stream on which server. */
export interface RtmpAddress {
  readonly app: string;
  readonly name: string;
  readonly port: number;
  /** As it stands in a URL; this machine by default. */
  readonly host?: string;
}

/** C2 and, in one burst, everything up to and with `publish`, then onMetaData. */
export function publishCommands(address: RtmpAddress, chunkSize: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(chunkSize);
  return Buffer.concat([
    Buffer.alloc(1536, 0x5a),
    rtmpMessage(2, 1, 0, size, 128),
    command(0, chunkSize, 'connect', 1, connectObject(address)),
    command(0, chunkSize, 'releaseStream', 2, null, address.name),
    command(0, chunkSize, 'FCPublish', 3, null, address.name),
    command(0, chunkSize, 'createStream', 4, null),
    command(1, chunkSize, 'publish', 5, null, address.name, 'live'),
  ]);
}

/** onMetaData of the synthetic stream, to be sent once publishing. */
export function metadataMessage(chunkSize: number, framesPerSecond: number): Buffer {
  const values = { width: 1920, height: 1080, framerate: framesPerSecond, videocodecid: 7 };
  return rtmpMessage(4, 18, 1, amf('@setDataFrame', 'onMetaData', values), chunkSize);
}

/** C2 and everything up to and with `play`. */
export function playCommands(address: RtmpAddress): Buffer {
  return Buffer.concat([
    Buffer.alloc(1536, 0x5a),
    command(0, 128, 'connect', 1, connectObject(address)),
    command(0, 128, 'createStream', 2, null),
    command(1, 128, 'play', 3, null, address.name, -2000),
  ]);
}

/** FCUnpublish and deleteStream. */
export function unpublishCommands(address: RtmpAddress, chunkSize: number): Buffer {
  return Buffer.concat([
    command(0, chunkSize, 'FCUnpublish', 6, null, address.name),
    command(0, chunkSize, 'deleteStream', 7, null, 1),
  ]);
}

type Amf = number | string | boolean | null | { readonly [key: string]: Amf };

function connectObject(address: RtmpAddress): Amf {
  return {
    app: address.app,
    type: 'nonprivate',
    flashVer: 'FMLE/3.0 (compatible; bench)',
    tcUrl: `rtmp://${address.host ?? '127.0.0.1'}:${address.port}${address.app === '' ? '' : `/${address.app}`}`,
  };
}

function command(
  messageStreamId: number,
  chunkSize: number,
  name: string,
  transaction: number,
  ...rest: Amf[]
): Buffer {
  return rtmpMessage(3, 20, messageStreamId, amf(name, transaction, ...rest), chunkSize);
}

/** AMF0 values one after another. */
function amf(...values: Amf[]): Buffer {
  return Buffer.concat(values.map(amfValue));
}

function amfValue(value: Amf): Buffer {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'boolean') return Buffer.from([1, value ? 1 : 0]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), amfKey(value)]);
  const members = Object.entries(value).map(([key, member]) => Buffer.concat([amfKey(key), amfValue(member)]));
  return Buffer.concat([Buffer.from([3]), ...members, Buffer.from([0, 0, 9])]);
}

function amfKey(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >>> 8, bytes.length]), bytes]);
}
