import { useEffect, useRef, useState } from 'preact/hooks';
import { askJson, type Me } from './api.ts';
import { Charts } from './charts.ts';
import { CopyField } from './copy-field.ts';
import type { StreamEvent } from './event-feed.ts';
import { EventList } from './events-view.ts';
import type { CameraSeries } from './history.ts';
import { html } from './html.ts';
import { KickButton } from './kick-button.ts';
import { Preview } from './preview.ts';
import { urlsOf } from './publish-urls.ts';
import { QrCode } from './qr-code.ts';
import { mayOperate } from './session.ts';
import type { CameraView, Snapshot } from './snapshot.ts';
import {
  bitrateText,
  blameTitles,
  blameWords,
  countText,
  durationText,
  fpsText,
  pictureText,
  stateWords,
} from './words.ts';

export interface CameraDetailProps {
  readonly camera: CameraView;
  readonly snapshot: Snapshot;
  readonly series: CameraSeries;
  /** Id of the newest event of all cameras: the camera's own are asked for again when it changes. */
  readonly newestEvent: string;
  readonly me: Me;
  readonly theme: 'light' | 'dark';
  readonly onClose: () => void;
}

/** Everything about one camera. */
export function CameraDetail({ camera, snapshot, series, newestEvent, me, theme, onClose }: CameraDetailProps) {
  const { names } = snapshot;
  const { live, state, name, path, hardware } = camera;
  return html`
    <aside class="detail" aria-label=${`Camera ${name}`}>
      <header>
        <div>
          <h2>${name}</h2>
          <p class="under"><span class=${`mark ${state}`} aria-hidden="true"></span>${stateWords[state]} <span class="path">${path}</span> ${names.hardware.length > 1 && html`<span class="path">${hardware}</span>`}</p>
        </div>
        <button type="button" class="close" onClick=${onClose} aria-label="Close (Esc)" title="Close (Esc)">×</button>
      </header>
      <${Preview} key=${camera.index} camera=${camera} />
      <${Verdict} camera=${camera} />
      ${
        live !== null &&
        html`<dl class="facts">
          <div><dt>Picture</dt><dd>${pictureText(live.width, live.height) || '–'}</dd></div>
          <div><dt>Frames per second</dt><dd>${fpsText(live.fps, live.promised)}</dd></div>
          <div><dt>Bitrate</dt><dd>${bitrateText(live.kbps)}</dd></div>
          <div><dt>On air for</dt><dd>${durationText(live.uptime)}</dd></div>
          <div><dt>From</dt><dd>${live.publisher}</dd></div>
          <div><dt>Readers</dt><dd>${camera.readers}</dd></div>
        </dl>`
      }
      ${live !== null && mayOperate(me) && html`<${KickButton} key=${camera.index} camera=${camera} />`}
      <h3>Last minutes</h3>
      <${Charts} key=${camera.index} series=${series} theme=${theme} />
      <${Addresses} camera=${camera} snapshot=${snapshot} />
      <h3>What happened <small>${countText(camera.starts, 'start')} since the server runs</small></h3>
      <${CameraEvents} key=${camera.index} index=${camera.index} newestEvent=${newestEvent} reasons=${names.reasons} />
    </aside>
  `;
}

function Verdict({ camera: { blame, why } }: { camera: CameraView }) {
  if (blame === null)
    return html`<p class="verdict-box offline">Nobody publishes to this camera. Readers get a card that says so.</p>`;
  return html`
    <div class=${`verdict-box ${blame}`}>
      <span class=${`blame ${blame}`}>${blameWords[blame]}</span>
      <p><strong>${blameTitles[blame]}.</strong> ${why}</p>
    </div>
  `;
}

function Addresses({ camera, snapshot: { names } }: { camera: CameraView; snapshot: Snapshot }) {
  const urls = urlsOf(camera, names, location.hostname);
  const push = urls.rtmp ?? urls.rtmps ?? '';
  return html`
    <h3>Publish to it</h3>
    <div class="publish">
      <div class="fields">
        ${urls.rtmp !== null && html`<${CopyField} label="RTMP address" text=${urls.rtmp} />`}
        ${urls.rtmps !== null && html`<${CopyField} label="RTMPS address, encrypted" text=${urls.rtmps} />`}
        <${CopyField} label="OBS server" text=${urls.obsServer} />
        <${CopyField} label="OBS stream key" text=${urls.obsKey} />
      </div>
      <figure class="code">
        <${QrCode} text=${push} label=${`QR code of ${push}`} />
        <figcaption>For a remote control</figcaption>
      </figure>
    </div>
    <p class="note">
      ${
        camera.asksForKey
          ? 'Publishers of this camera need a stream key besides: it goes behind this address. A key is shown when it is made, and never again.'
          : 'The path is the key: whoever knows this address can publish to this camera.'
      }
    </p>
    <h3>Read it</h3>
    <div class="fields"><${CopyField} label="RTSP address" text=${urls.rtsp} hint="With the user name and password of the readers." /></div>
  `;
}

/**
 * Milliseconds from one list of events to the next question for it. All cameras may have events at once, as after a failure of
 * their network, and a request for each would leave the browser no connection for anything else.
 */
const eventsMs = 1000;

function CameraEvents({
  index,
  newestEvent,
  reasons,
}: {
  index: number;
  newestEvent: string;
  reasons: Readonly<Record<string, string>>;
}) {
  const [events, setEvents] = useState<readonly StreamEvent[] | null>(null);
  const [isDue, setDue] = useState(true);
  const asked = useRef<string | null>(null);
  useEffect(() => {
    if (!isDue || asked.current === newestEvent) return;
    asked.current = newestEvent;
    setDue(false);
    askJson<{ events: StreamEvent[] }>(`/api/v1/streams/${index}/events`)
      .then(
        (answer) => setEvents(answer.events),
        // The poll says already that the server does not answer; it is asked again.
        () => {
          asked.current = null;
        },
      )
      .finally(() => setTimeout(() => setDue(true), eventsMs));
  }, [isDue, newestEvent]);
  return events === null ? null : html`<${EventList} events=${events} reasons=${reasons} single />`;
}
