/** AMF0 as it is met: the `connect` command and the `onMetaData` of an encoder, decoded and encoded. */
import { Bench } from 'tinybench';
import { AmfDecoder } from '../../src/amf0/decode.ts';
import { AmfEncoder } from '../../src/amf0/encode.ts';
import type { AmfValue } from '../../src/amf0/value.ts';
import { decodeCommand, encodeCommand } from '../../src/rtmp/command.ts';

const connectObject = new Map<string, AmfValue>([
  ['app', 'live'],
  ['type', 'nonprivate'],
  ['flashVer', 'FMLE/3.0 (compatible; FMSc/1.0)'],
  ['swfUrl', 'rtmp://server.example/live'],
  ['tcUrl', 'rtmp://server.example/live'],
]);
const metadata = new Map<string, AmfValue>([
  ['duration', 0],
  ['width', 1920],
  ['height', 1080],
  ['videodatarate', 4700],
  ['framerate', 30],
  ['videocodecid', 7],
  ['audiodatarate', 160],
  ['audiosamplerate', 48_000],
  ['audiosamplesize', 16],
  ['stereo', true],
  ['audiocodecid', 10],
  ['encoder', 'obs-output module (libobs version 30.2.3)'],
]);
const connect = encodeCommand('connect', 1, connectObject);
const onMetaData = new AmfEncoder().string('@setDataFrame').string('onMetaData').ecmaArray(metadata).bytes();
const encoder = new AmfEncoder(1024);

const bench = new Bench({ name: 'AMF0', time: 500, warmupTime: 100 })
  .add(`decode connect, ${connect.length} bytes`, () => {
    decodeCommand(connect, 0, connect.length);
  })
  .add(`decode onMetaData, ${onMetaData.length} bytes`, () => {
    const decoder = new AmfDecoder(onMetaData);
    while (decoder.remaining > 0) decoder.value();
  })
  .add('encode onMetaData', () => {
    encoder.reset().string('@setDataFrame').string('onMetaData').ecmaArray(metadata);
  });
await bench.run();

if (process.argv.includes('--json')) {
  const rows = bench.tasks.map((task) => ({
    name: task.name,
    nsPerOperation: task.result.state === 'completed' ? task.result.latency.p50 * 1e6 : Number.NaN,
  }));
  console.log(JSON.stringify(rows));
} else {
  console.table(bench.table());
}
