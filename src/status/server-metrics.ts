import type { ErrorCode } from '../base/errors.ts';
import { errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { firstPictureBounds } from '../shm/reader-tally.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import { deathCauses, type HookFacts } from './hook-facts.ts';
import { labelText, type MetricFamily, type MetricsText, type MetricType } from './metrics-text.ts';
import { judgeReadiness } from './readiness.ts';
import type { ListenerFacts, ServerFacts } from './server-facts.ts';

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number];

interface ServerFamily extends MetricFamily {
  readonly samples: (facts: ServerFacts) => Iterable<Sample>;
}

const threadLabels = ['thread', 'index'];
const listenerLabels = ['protocol', 'port'];

/** Reasons that a listener refuses a connection for; they are there from the start, so that the first one is an increase. */
const admissionReasons = (Object.keys(errorTable) as ErrorCode[]).filter(
  (code) => errorTable[code].layer === 'admission',
);

/** The same for readers: there may be too many, or no consumer that is running. */
const readerReasons: readonly ErrorCode[] = ['connections_exceeded', 'worker_failed'];

const families: readonly ServerFamily[] = [
  {
    name: 'skyweir_build_info',
    type: 'info',
    help: 'Version of Skyweir and of Node.js',
    labels: ['version', 'node'],
    samples: ({ version }) => [[{ version, node: process.version }, 1]],
  },
  single('skyweir_uptime_seconds', 'gauge', 'Since the server started', ({ uptimeMs }) => uptimeMs / 1000),
  single('skyweir_ready', 'gauge', '1 while /readyz answers 200', (facts) => (judgeReadiness(facts).ready ? 1 : 0)),
  single('skyweir_overloaded', 'gauge', '1 while new publishers are refused for want of processor time', (facts) =>
    facts.overloaded ? 1 : 0,
  ),
  {
    name: 'skyweir_limit',
    type: 'gauge',
    help: 'Bounds on what is open or kept at the same time',
    labels: ['name'],
    samples: () => Object.entries(shownLimits).map(([name, value]) => [{ name }, value]),
  },
  {
    name: 'skyweir_thread_failures_total',
    type: 'counter',
    help: 'Threads that failed and were replaced',
    labels: ['thread'],
    samples: ({ failures }) => Object.entries(failures).map(([thread, count]) => [{ thread }, count]),
  },
  ofThreads(
    'skyweir_thread_busy_ratio',
    'Part of the last second in which the thread worked, 0 to 1',
    (load) => load.busy,
  ),
  ofThreads(
    'skyweir_thread_loop_delay_seconds',
    'How much later than it should the thread came to its work, on average over about a second',
    (load) => load.loopDelayMs / 1000,
  ),
  ofThreads('skyweir_thread_loop_delay_max_seconds', 'The same, largest', (load) => load.worstDelayMs / 1000),
  ofThreads(
    'skyweir_thread_bits_per_second',
    'Received from publishers, or built for readers',
    (load) => load.bitsPerSecond,
  ),
  ofThreads('skyweir_thread_connections', 'Connections that the thread serves', (load) => load.connections),
  {
    name: 'skyweir_consumer_paced_cameras',
    type: 'gauge',
    help: 'Cameras whose frames the consumer holds at this moment to spread a burst',
    labels: ['index'],
    samples: ({ threads }) =>
      threads.filter(({ kind }) => kind === 'consumer').map(({ index, pacedCameras }) => [{ index }, pacedCameras]),
  },
  ofListeners('skyweir_listener_connections', 'gauge', 'Connections at this moment', (facts) => facts.connections),
  ofListeners('skyweir_listener_connections_limit', 'gauge', 'How many there may be', (facts) => facts.limit),
  ofListeners('skyweir_listener_accepted_total', 'counter', 'Connections that were let in', (facts) => facts.accepted),
  {
    name: 'skyweir_listener_rejected_total',
    type: 'counter',
    help: 'New connections that were refused, by reason',
    labels: [...listenerLabels, 'reason'],
    samples: function* ({ listeners }) {
      for (const { protocol, port, rejected } of listeners) {
        const reasons = protocol === 'rtsp' ? readerReasons : admissionReasons;
        for (const reason of reasons) yield [{ protocol, port, reason }, rejected.get(reason) ?? 0];
      }
    },
  },
  single(
    'skyweir_publish_requests_total',
    'counter',
    'Publications that were asked for',
    ({ publishers }) => publishers.requested,
  ),
  single(
    'skyweir_publish_granted_total',
    'counter',
    'Publications that were granted; over the requests this is the publish success rate',
    ({ publishers }) => publishers.granted,
  ),
  byReason('skyweir_publish_refused_total', 'Publications that were refused, by reason', ({ publishers }) => {
    return publishers.refused.all;
  }),
  byReason('skyweir_publisher_ends_total', "Publishers' connections that have ended, by reason", ({ publishers }) => {
    return publishers.ends.all;
  }),
  byReason(
    'skyweir_reader_ends_total',
    "Readers' connections that have ended, by reason",
    ({ readers }) => readers.ends,
  ),
  {
    name: 'skyweir_reader_first_picture_seconds',
    type: 'histogram',
    help: 'From PLAY to the first picture of a live camera, known to a quarter of a second',
    labels: ['le'],
    samples: () => [],
  },
  {
    name: 'skyweir_authentication_failures_total',
    type: 'counter',
    help: 'Wrong user names and passwords; those of RTSP are counted when the connection ends',
    labels: ['protocol'],
    samples: ({ readers, onvif, http }) => [
      [{ protocol: 'rtsp' }, readers.failedLogins],
      [{ protocol: 'onvif' }, onvif.authFailures],
      [{ protocol: 'http' }, http.authFailures],
    ],
  },
  single('skyweir_onvif_connections', 'gauge', 'Connections to the ONVIF devices', ({ onvif }) => onvif.connections),
  single('skyweir_onvif_requests_total', 'counter', 'Requests to the ONVIF devices', ({ onvif }) => onvif.requests),
  single('skyweir_onvif_faults_total', 'counter', 'Answers with a fault', ({ onvif }) => onvif.faults),
  single(
    'skyweir_onvif_refused_total',
    'counter',
    'Connections and requests that were no ONVIF, too many, too large or too slow',
    ({ onvif }) => onvif.refused,
  ),
  single('skyweir_onvif_tunnels_total', 'counter', 'Halves of RTSP over HTTP', ({ onvif }) => onvif.tunnels),
  single('skyweir_http_connections', 'gauge', 'Connections to this port', ({ http }) => http.connections),
  single('skyweir_http_event_clients', 'gauge', 'Clients that follow the events live', ({ http }) => http.eventClients),
  single('skyweir_http_previews', 'gauge', 'Viewers of live previews', ({ http }) => http.previews),
  single(
    'skyweir_http_preview_restarts_total',
    'counter',
    'Times that a preview went on at the next keyframe because its viewer was too slow',
    ({ http }) => http.previewRestarts,
  ),
  {
    name: 'skyweir_http_answers_total',
    type: 'counter',
    help: 'Answers of this port, by status',
    labels: ['status'],
    samples: ({ http }) => [...http.answers.all].map(([status, count]) => [{ status }, count]),
  },
  single(
    'skyweir_http_refused_total',
    'counter',
    'Connections to this port that were no HTTP, too many or too slow',
    ({ http }) => http.refused,
  ),
];

const hookFamilies: readonly ServerFamily[] = [
  ofHooks('skyweir_hook_delivered_total', 'counter', 'Events that a hook delivered', ({ delivered }) => delivered),
  ofHooks(
    'skyweir_hook_failures_total',
    'counter',
    'Attempts of a hook that failed and are repeated',
    ({ failures }) => failures,
  ),
  {
    name: 'skyweir_hook_dropped_total',
    type: 'counter',
    help: 'Events that a hook did not deliver: refused by the target, dropped from a full queue, too old, or given up at a change or stop',
    labels: ['hook', 'cause'],
    samples: function* ({ hooks }) {
      for (const { name, dead } of hooks) for (const cause of deathCauses) yield [{ hook: name, cause }, dead[cause]];
    },
  },
  ofHooks(
    'skyweir_hook_queue_events',
    'gauge',
    'Events that wait or are being delivered',
    (facts) => facts.queuedEvents,
  ),
  ofHooks('skyweir_hook_queue_bytes', 'gauge', 'Size of those events', (facts) => facts.queuedBytes),
  ofHooks('skyweir_hook_reachable', 'gauge', '1 while the target answers', ({ reachable }) => (reachable ? 1 : 0)),
];

/** Names and values of `skyweir_limit`. */
const shownLimits: Readonly<Record<string, number>> = {
  rtsp_connections: limits.rtsp.connections,
  paced_cameras_per_consumer: limits.pacing.cameras,
  onvif_connections_per_device: limits.onvif.connections,
  onvif_connections_per_device_and_address: limits.onvif.connectionsPerAddress,
  onvif_subscriptions_per_device: limits.onvifEvents.subscriptions,
  http_connections: limits.http.connections,
  http_connections_per_address: limits.http.connectionsPerAddress,
  http_event_clients: limits.http.eventClients,
  http_previews: limits.preview.viewers,
  http_previews_per_camera: limits.preview.viewersPerCamera,
  events_kept: limits.events.overall,
  events_kept_per_camera: limits.events.perCamera,
};

/** Every family of {@link writeServerMetrics}, in its order. */
export const serverFamilies: readonly MetricFamily[] = [...families, ...hookFamilies].map(
  ({ name, type, help, labels }) => {
    return labels === undefined ? { name, type, help } : { name, type, help, labels };
  },
);

/** The families of the server as a whole. */
export function writeServerMetrics(text: MetricsText, facts: ServerFacts): void {
  for (const family of [...families, ...hookFamilies]) {
    text.family(family);
    for (const [labels, value] of family.samples(facts)) text.sample(labelText(labels), value);
    if (family.type === 'histogram') writeFirstPictures(text, facts);
  }
}

function writeFirstPictures(text: MetricsText, { readers }: ServerFacts): void {
  const { counts, sum } = readers.firstPicture;
  let upTo = 0;
  counts.forEach((count, place) => {
    upTo += count;
    text.sample(labelText({ le: firstPictureBounds[place] ?? '+Inf' }), upTo, '_bucket');
  });
  text.sample('', sum, '_sum');
  text.sample('', upTo, '_count');
}

function single(
  name: string,
  type: Exclude<MetricType, 'histogram'>,
  help: string,
  value: (facts: ServerFacts) => number,
): ServerFamily {
  return { name, type, help, samples: (facts) => [[{}, value(facts)]] };
}

function ofThreads(name: string, help: string, value: (load: ThreadLoad) => number): ServerFamily {
  return {
    name,
    type: 'gauge',
    help,
    labels: threadLabels,
    samples: ({ threads }) => threads.map((load) => [{ thread: load.kind, index: load.index }, value(load)]),
  };
}

function ofListeners(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  value: (facts: ListenerFacts) => number,
): ServerFamily {
  return {
    name,
    type,
    help,
    labels: listenerLabels,
    samples: ({ listeners }) =>
      listeners.map((facts) => [{ protocol: facts.protocol, port: facts.port }, value(facts)]),
  };
}

function byReason(
  name: string,
  help: string,
  counts: (facts: ServerFacts) => ReadonlyMap<ErrorCode, number>,
): ServerFamily {
  return {
    name,
    type: 'counter',
    help,
    labels: ['reason'],
    samples: (facts) => [...counts(facts)].map(([reason, count]) => [{ reason }, count]),
  };
}

function ofHooks(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  value: (facts: HookFacts) => number,
): ServerFamily {
  return {
    name,
    type,
    help,
    labels: ['hook'],
    samples: ({ hooks }) => hooks.map((facts) => [{ hook: facts.name }, value(facts)]),
  };
}
