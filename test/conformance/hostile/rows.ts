import { admissionRows } from './admission-rows.ts';
import { discoveryRows } from './discovery-rows.ts';
import { gateRows, ipv6Rows } from './gate-rows.ts';
import { httpRequestRows } from './http-request-rows.ts';
import { httpRows } from './http-rows.ts';
import { httpStreamRows, httpsRows } from './http-stream-rows.ts';
import { onvifRows } from './onvif-rows.ts';
import type { Row } from './row.ts';
import { chunkRows } from './rtmp-chunk-rows.ts';
import { openingRows } from './rtmp-opening-rows.ts';
import { pathRows } from './rtmp-path-rows.ts';
import { videoRows } from './rtmp-video-rows.ts';
import { rtmpsRows } from './rtmps-rows.ts';
import { udpRows } from './rtp-udp-rows.ts';
import { rtspRows } from './rtsp-rows.ts';
import { tunnelRows } from './rtsp-tunnel-rows.ts';
import { rtspsRows } from './rtsps-rows.ts';

/**
 * Every row, in the order of the documentation. A further protocol is one more file with its rows and one more line here;
 * `Protocol` in row.ts names it, and after-row.ts shows that it still works after a row.
 */
export const rows: readonly Row[] = [
  ...openingRows,
  ...pathRows,
  ...chunkRows,
  ...videoRows,
  ...admissionRows,
  ...rtmpsRows,
  ...rtspRows,
  ...rtspsRows,
  ...tunnelRows,
  ...udpRows,
  ...gateRows,
  ...ipv6Rows,
  ...onvifRows,
  ...discoveryRows,
  ...httpRows,
  ...httpRequestRows,
  ...httpStreamRows,
  ...httpsRows,
];
