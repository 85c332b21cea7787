import type { CameraName, NamesAnswer } from './snapshot.ts';

/** Where a camera is pushed to and pulled from, as it is typed elsewhere. */
export interface CameraUrls {
  /** Null when the camera takes encrypted streams only. */
  readonly rtmp: string | null;
  /** Null without encryption. */
  readonly rtmps: string | null;
  readonly rtsp: string;
  /** The two fields of OBS. */
  readonly obsServer: string;
  readonly obsKey: string;
}

/** The addresses of a camera on a host, which is the one that the page itself was reached at. */
export function urlsOf(
  camera: CameraName,
  names: Pick<NamesAnswer, 'listeners' | 'rtspPort'>,
  host: string,
): CameraUrls {
  const { rtmp = null, rtmps = null } = names.listeners[camera.listener] ?? {};
  const plain = rtmp === null ? null : `rtmp://${host}:${rtmp}`;
  const safe = rtmps === null ? null : `rtmps://${host}:${rtmps}`;
  return {
    rtmp: plain === null ? null : plain + camera.path,
    rtmps: safe === null ? null : safe + camera.path,
    rtsp: `rtsp://${host}:${names.rtspPort}${camera.rtspPath}`,
    obsServer: plain ?? safe ?? '',
    obsKey: camera.path.replace(/^\//, ''),
  };
}
