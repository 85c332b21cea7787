import assert from 'node:assert/strict';
import { after, beforeEach, describe, type TestContext, test } from 'node:test';
import { EventFeed } from '../../../../src/status/page/event-feed.ts';
import { OverviewFeed } from '../../../../src/status/page/overview-feed.ts';
import { namesAnswer, overviewAnswer } from '../../../support/overview.ts';
import { until } from '../../../support/program.ts';

/** As much of a browser's document as the feeds look at. */
class FakeDocument extends EventTarget {
  hidden = false;
  listeners = 0;

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }

  show(shown: boolean): void {
    this.hidden = !shown;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

declare global {
  var document: FakeDocument;
}

const { fetch: usualFetch } = globalThis;

beforeEach(() => {
  globalThis.document = new FakeDocument();
});

after(() => {
  globalThis.fetch = usualFetch;
});

/** Answers every request; `asked` holds their paths. */
function serve(answer: (path: string) => Response | Promise<Response>): { readonly asked: string[] } {
  const asked: string[] = [];
  globalThis.fetch = async (path) => {
    asked.push(String(path));
    return answer(String(path));
  };
  return { asked };
}

const overview = (path: string) =>
  path.endsWith('/names')
    ? Response.json(namesAnswer(1), { headers: { ETag: '"tag"' } })
    : Response.json({ ...overviewAnswer(1), server: { uptime: 1 } });

/** A feed of the overview, by a clock that stands where the test puts it. */
function openOverview(t: TestContext) {
  const clock = { nowMs: 1000 };
  t.mock.method(performance, 'now', () => clock.nowMs);
  const feed = new OverviewFeed(
    () => {},
    () => {},
  );
  t.after(() => feed.stop());
  return { feed, clock };
}

describe('the feed of the overview', () => {
  test('is old five seconds after the newest answer, or after it has begun to ask', async (t) => {
    serve(overview);
    const { feed, clock } = openOverview(t);
    clock.nowMs = 60_000;
    feed.start();
    assert.equal(feed.old, false, 'somebody took a minute to log in');
    await until('there is an answer', () => feed.state.snapshot !== null);
    clock.nowMs += 4900;
    assert.equal(feed.old, false);
    clock.nowMs += 200;
    assert.equal(feed.old, true);
  });

  test('is not old because it asks seldom while nobody looks, but because there was no answer', async (t) => {
    serve(overview);
    const { feed, clock } = openOverview(t);
    feed.start();
    await until('there is an answer', () => feed.state.snapshot !== null);
    document.show(false);
    clock.nowMs += 9900;
    assert.equal(feed.old, false);
    serve(() => Promise.reject(new TypeError('no network')));
    await until('there was no answer', () => feed.state.failure !== null);
    assert.equal(feed.old, true);
  });
});

describe('figures that the names do not belong to', () => {
  test('are no answer, as behind a proxy that changes the ETag', async (t) => {
    serve((path) =>
      path.endsWith('/names') ? Response.json(namesAnswer(1), { headers: { ETag: '"tag-gzip"' } }) : overview(path),
    );
    const { feed } = openOverview(t);
    feed.start();
    await until('the second answer is refused', () => feed.state.failure !== null);
    assert.match(feed.state.failure!, /names/);
  });
});

describe('the feed of events', () => {
  test('asks only while somebody looks', async (t) => {
    const { asked } = serve(() => Response.json({ events: [] }));
    const feed = new EventFeed(() => {});
    t.after(() => feed.stop());
    document.hidden = true;
    feed.start();
    assert.deepEqual(asked, []);
    document.show(true);
    assert.equal(asked.length, 1);
  });

  test('asks for what it does not have yet, and begins anew with another run of the server', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const event = (id: string) => ({ id, type: 'started', name: 'North\u2028gate' });
    const answers = [[event('a-2'), event('a-1')], [event('a-3')], [], [event('b-1')]];
    const { asked } = serve(() => Response.json({ events: answers[asked.length - 1] }));
    let changes = 0;
    const feed = new EventFeed(() => changes++);
    t.after(() => feed.stop());
    feed.start();
    const seen: string[][] = [];
    for (let answer = 1; answer <= answers.length; answer++) {
      // An answer is read in some steps.
      for (let step = 0; step < 50; step++) await new Promise(setImmediate);
      seen.push(feed.events.map(({ id }) => id));
      t.mock.timers.tick(2000);
    }
    assert.deepEqual(seen, [['a-2', 'a-1'], ['a-3', 'a-2', 'a-1'], ['a-3', 'a-2', 'a-1'], ['b-1']]);
    assert.deepEqual(asked.slice(0, 3), [
      '/api/v1/events?limit=500',
      '/api/v1/events?limit=500&since=a-2',
      '/api/v1/events?limit=500&since=a-3',
    ]);
    assert.equal(changes, 3, 'nothing new changes nothing');
  });
});

describe('a feed that has ended', () => {
  test('is held by nothing', () => {
    serve(() => new Promise(() => {}));
    const feeds = [
      new OverviewFeed(
        () => {},
        () => {},
      ),
      new EventFeed(() => {}),
    ];
    for (const feed of feeds) feed.start();
    for (const feed of feeds) feed.stop();
    assert.equal(document.listeners, 0);
  });
});
