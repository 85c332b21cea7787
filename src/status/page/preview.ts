import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.ts';
import { PreviewPlayer, type PreviewState } from './preview-player.ts';
import type { CameraView } from './snapshot.ts';

/** Milliseconds for which a camera must be chosen before its preview is asked for: arrow keys pass many. */
const settleMs = 250;

const phaseTexts: Readonly<Record<PreviewState['phase'], string>> = {
  connecting: 'The picture comes with the next keyframe …',
  playing: '',
  offline: 'No picture: nobody publishes to this camera.',
  lost: 'The preview was interrupted; it comes back by itself …',
  unsupported: 'This browser cannot show this video.',
};

const connecting: PreviewState = { phase: 'connecting', why: '', ageMs: null };

/** The live picture of a camera, without sound. */
export function Preview({ camera }: { camera: CameraView }) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<PreviewState>(connecting);
  const isLive = camera.live !== null;
  useEffect(() => {
    if (!isLive) return;
    setState(connecting);
    const url = new URL(`/api/v1/streams/${camera.index}/preview`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const player = new PreviewPlayer(video.current!, url.href, setState);
    const timer = setTimeout(() => player.start(), settleMs);
    return () => {
      clearTimeout(timer);
      player.stop();
    };
  }, [camera.index, isLive]);
  const { width = 16, height = 9 } = camera.live !== null && camera.live.width > 0 ? camera.live : {};
  const text = isLive ? state.why || phaseTexts[state.phase] : phaseTexts.offline;
  return html`
    <div class="preview" style=${{ aspectRatio: `${width} / ${height}` }}>
      <video ref=${video} muted playsinline autoplay disablepictureinpicture aria-label=${`Live picture of ${camera.name}`}></video>
      ${text !== '' && html`<p class="over">${text}</p>`}
      ${state.phase === 'playing' && isLive && state.ageMs !== null && html`<span class="age" title="From the arrival of a frame at the server to its display here">${ageText(state.ageMs)}</span>`}
    </div>
  `;
}

function ageText(ageMs: number): string {
  return `${(ageMs / 1000).toFixed(2)} s behind`;
}
