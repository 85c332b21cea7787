import { html } from './html.ts';
import type { CameraView, ServerAnswer, Snapshot } from './snapshot.ts';
import { bitrateText, countText, durationText, reasonText } from './words.ts';

/** Part of its time from which on a thread is shown as busy, and as full. */
const busyPart = 0.7;
const fullPart = 0.9;

/** The server as a whole: is it well, who is connected, who was turned away, how much work it has. */
export function ServerView({ snapshot }: { snapshot: Snapshot }) {
  const { answer, names, counts, kbps } = snapshot;
  const { server } = answer;
  return html`
    <div class="server">
      <section aria-labelledby="health-title">
        <h2 id="health-title">Health</h2>
        <${Health} server=${server} />
        <dl class="facts">
          <div><dt>Running for</dt><dd>${durationText(server.uptime)}</dd></div>
          <div><dt>Version</dt><dd>${server.version}</dd></div>
          <div><dt>Cameras on air</dt><dd>${counts.air + counts.trouble} of ${snapshot.cameras.length}</dd></div>
          <div><dt>Coming in</dt><dd>${bitrateText(kbps)}</dd></div>
          <div><dt>Readers</dt><dd>${server.readers.open}</dd></div>
          <div><dt>Failed threads</dt><dd>${server.failures.ingest + server.failures.consumer + server.failures.acceptor}</dd></div>
          <div><dt>Wrong passwords</dt><dd>${server.http.authFailures}</dd></div>
        </dl>
      </section>
      <section aria-labelledby="load-title">
        <h2 id="load-title">Work of the threads</h2>
        <${Threads} threads=${server.threads} />
      </section>
      <section aria-labelledby="connections-title">
        <h2 id="connections-title">Connections</h2>
        <${Listeners} listeners=${server.listeners} />
        <h3>Turned away at the door</h3>
        <${Reasons} counts=${rejectedOf(server)} reasons=${names.reasons} none="Nobody was turned away." />
      </section>
      <section aria-labelledby="publish-title">
        <h2 id="publish-title">Publishing</h2>
        <${PathNote} cameras=${snapshot.cameras} />
        <p class="granted">${countText(server.publish.granted, 'stream')} of ${server.publish.requested} that were asked for could start.</p>
        <h3>Refused</h3>
        <${Reasons} counts=${server.publish.refused} reasons=${names.reasons} none="None was refused." />
        <h3>Why connections have ended</h3>
        <${Reasons} counts=${server.publish.ends} reasons=${names.reasons} none="None has ended." />
      </section>
    </div>
  `;
}

/** Publishing may be open; whoever runs the server should know. */
function PathNote({ cameras }: { cameras: readonly CameraView[] }) {
  const open = cameras.filter(({ asksForKey }) => !asksForKey).length;
  if (open === 0) return null;
  const which = open === cameras.length ? "a camera's path" : `the path of one of ${countText(open, 'camera')}`;
  return html`
    <p class="note important">
      <strong>The path is the key.</strong> Publishing is open to whoever knows ${which} and reaches this server. Ask publishers for a key
      (<code>--publish-auth</code>), or choose paths that nobody guesses.
    </p>
  `;
}

function Health({ server }: { server: ServerAnswer }) {
  if (server.ready)
    return html`<p class="health good"><span class="mark air" aria-hidden="true"></span>Ready: everything runs, and there is room for more streams.</p>`;
  return html`
    <div class="health bad">
      <p><span class="mark trouble" aria-hidden="true"></span>Not ready for new streams${server.overloaded ? ': the server is overloaded' : ''}. Those that run go on.</p>
      <ul>${server.reasons.map(({ code, text }) => html`<li key=${code}>${text}</li>`)}</ul>
    </div>
  `;
}

function Threads({ threads }: { threads: ServerAnswer['threads'] }) {
  if (threads.length === 0) return html`<p class="nothing">No thread has anything to do.</p>`;
  return html`
    <table class="threads">
      <thead><tr><th scope="col">Thread</th><th scope="col">Busy</th><th scope="col">Late</th><th scope="col">Traffic</th><th scope="col">Connections</th></tr></thead>
      <tbody>
        ${threads.map(({ kind, index, busy, delay, bitsPerSecond, connections }) => {
          const level = busy >= fullPart ? 'full' : busy >= busyPart ? 'busy' : '';
          const title = kind === 'ingest' ? `Receiving ${index + 1}` : `Sending ${index + 1}`;
          const percent = Math.round(busy * 100);
          return html`
            <tr key=${title}>
              <th scope="row">${title}</th>
              <td><meter class=${level} min="0" max="100" value=${percent} aria-label=${`${title}: busy`}></meter> ${percent} %</td>
              <td>${delay < 1 ? '0 ms' : `${delay} ms`}</td>
              <td>${bitrateText(bitsPerSecond / 1000)}</td>
              <td>${connections}</td>
            </tr>
          `;
        })}
      </tbody>
    </table>
  `;
}

function Listeners({ listeners }: { listeners: ServerAnswer['listeners'] }) {
  return html`
    <table>
      <thead><tr><th scope="col">Port</th><th scope="col">Now</th><th scope="col">At most</th><th scope="col">Let in</th><th scope="col">Turned away</th></tr></thead>
      <tbody>
        ${listeners.map(({ protocol, port, connections, limit, accepted, rejected }) => {
          const away = Object.values(rejected).reduce((sum, count) => sum + count, 0);
          const isFull = connections >= limit;
          return html`
            <tr key=${`${protocol}${port}`}>
              <th scope="row">${protocol === 'rtsp' ? 'Readers' : 'Sources'}, ${protocol.toUpperCase()} ${port}</th>
              <td class=${isFull ? 'warn' : ''}>${connections}</td>
              <td>${limit}</td>
              <td>${accepted}</td>
              <td class=${away > 0 ? 'warn' : ''}>${away}</td>
            </tr>
          `;
        })}
      </tbody>
    </table>
  `;
}

function Reasons({
  counts,
  reasons,
  none,
}: {
  counts: Readonly<Record<string, number>>;
  reasons: Readonly<Record<string, string>>;
  none: string;
}) {
  const entries = Object.entries(counts);
  if (entries.length === 0) return html`<p class="nothing">${none}</p>`;
  return html`
    <ul class="reasons">
      ${entries.map(([reason, count]) => html`<li key=${reason}><b>${count}</b> <span>${reasonText(reason, reasons)}</span></li>`)}
    </ul>
  `;
}

/** The reasons of all ports together. */
function rejectedOf({ listeners }: ServerAnswer): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { rejected } of listeners)
    for (const [reason, count] of Object.entries(rejected)) sums[reason] = (sums[reason] ?? 0) + count;
  return sums;
}
