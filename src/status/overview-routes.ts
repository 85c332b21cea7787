import { errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { eventBody } from './event-feed.ts';
import { namesBody, type OverviewSource, overviewBody } from './overview.ts';
import { problem, problemForm, type StatusRoute } from './route.ts';
import { eventsSchema, streamParameters } from './schemas.ts';
import { SharedAnswer } from './shared-answer.ts';
import type { StatusSource } from './status-source.ts';

type Source = OverviewSource &
  Pick<StatusSource, 'stream' | 'nowMs' | 'publishPorts' | 'asksForKey' | 'rtspPort' | 'hardware' | 'eventsOf'>;

/** What the status page asks for. `epoch` tells this run of the server from every other. */
export function overviewRoutes(source: Source, epoch: string): StatusRoute[] {
  const nowMs = () => source.nowMs();
  const names = new SharedAnswer(() => writeNames(source), nowMs, limits.http.overviewMs);
  const overview = new SharedAnswer(
    () => {
      names.refresh();
      return overviewBody(source, names.tag);
    },
    nowMs,
    limits.http.overviewMs,
  );
  return [
    {
      method: 'GET',
      path: '/api/v1/overview',
      summary: 'What the status page shows of all cameras and of the server, in columns; made once a second for all',
      answers: { 200: { mediaType: 'application/json', text: 'The figures' }, 304: unchanged },
      handle: (request) => overview.answer(request),
    },
    {
      method: 'GET',
      path: '/api/v1/overview/names',
      summary: 'Names, paths and ports that the overview belongs to; its ETag is the `names` of the overview',
      answers: { 200: { mediaType: 'application/json', text: 'The names' }, 304: unchanged },
      handle: (request) => names.answer(request),
    },
    {
      method: 'GET',
      path: '/api/v1/streams/{index}/events',
      summary: 'The newest events of one camera',
      params: streamParameters,
      answers: {
        200: { schema: eventsSchema, text: 'The events, newest first' },
        404: problemForm('There is no such camera'),
      },
      handle: ({ params }) => {
        const index = params['index'] as number;
        if (source.stream(index) === null) return problem(404, `there is no camera ${index}`);
        const kept = source.eventsOf(index);
        const events = kept.map((event) => eventBody(epoch, event));
        return { status: 200, body: { events, complete: kept.length < limits.events.perCamera } };
      },
    },
  ];
}

const unchanged = { text: 'Nothing has changed since the one with this ETag' };

function writeNames(source: Source): object {
  return namesBody({
    cameras: source.streams().map(({ camera }) => camera),
    ports: source.publishPorts(),
    rtspPort: source.rtspPort,
    hardware: source.hardware().map(({ name }) => name),
    reasons: Object.fromEntries(Object.entries(errorTable).map(([code, { text }]) => [code, text])),
    asksForKey: (camera) => source.asksForKey(camera),
  });
}
