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

describe('the feed of events', () => {
  test('leaves the connection to pages that are looked at', async (t) => {
    const { asked } = serve(() => Response.json({ events: [] }));
    const feed = new EventFeed(() => {});
    t.after(() => feed.stop());
    document.hidden = true;
    feed.start();
    assert.deepEqual(asked, []);
    document.show(true);
    assert.equal(asked.length, 1);
  });

  test('takes every character that a name may hold', async (t) => {
    const event = { id: 'a-1', type: 'started', name: 'North\u2028gate' };
    serve((path) =>
      path.endsWith('/live')
        ? new Response(`retry: 3000\n\nid: a-1\nevent: started\ndata: ${JSON.stringify(event)}\n\n`)
        : Response.json({ events: [] }),
    );
    const feed = new EventFeed(() => {});
    t.after(() => feed.stop());
    feed.start();
    await until('the event is there', () => feed.events.length > 0);
    assert.deepEqual(feed.events, [event]);
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
