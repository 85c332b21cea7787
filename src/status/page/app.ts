import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { describeChanges } from './announcements.ts';
import { askJson, type Me } from './api.ts';
import { CameraDetail } from './camera-detail.ts';
import { CameraList } from './camera-list.ts';
import { EventFeed } from './event-feed.ts';
import { EventList } from './events-view.ts';
import { Filters } from './filters.ts';
import { html } from './html.ts';
import { useKeys } from './keys.ts';
import { everything, type ListQuery, queryCameras } from './list-query.ts';
import { LoginForm } from './login-form.ts';
import { OverviewFeed } from './overview-feed.ts';
import { type Place, parsePlace, placeHash } from './place.ts';
import { ServerView } from './server-view.ts';
import { findLogin, type Login, logOut } from './session.ts';
import type { Snapshot } from './snapshot.ts';
import { applyTheme, readTheme, shownTheme, type Theme } from './theme.ts';
import { TopBar } from './top-bar.ts';
import { durationText } from './words.ts';

/** Milliseconds between two announcements of a screen reader. */
const announceMs = 5000;

/** The page: somebody logs in, or is already, and then watches. */
export function App() {
  const [login, setLogin] = useState<Login>({ is: 'unknown' });
  const [silence, setSilence] = useState('');
  const look = () => {
    setLogin({ is: 'unknown' });
    setSilence('');
    void findLogin(setSilence).then(setLogin);
  };
  useEffect(look, []);
  const needLogin = () => setLogin({ is: 'needed' });
  useEffect(() => {
    if (login.is !== 'leaving') return;
    setSilence('');
    // By now all that asks the server has ended.
    void logOut(setSilence).then(needLogin);
  }, [login.is]);
  useEffect(() => {
    if (login.is !== 'done') return;
    // In the meantime another page of this browser may have logged somebody else in.
    const onShown = () => {
      if (document.hidden) return;
      const take = (me: Me) => setLogin((now) => (now.is === 'done' ? { is: 'done', me } : now));
      // The poll sees that nobody is logged in any more, or that there is no answer.
      askJson<Me>('/api/v1/me').then(take, () => undefined);
    };
    document.addEventListener('visibilitychange', onShown);
    return () => document.removeEventListener('visibilitychange', onShown);
  }, [login.is]);
  if (login.is === 'needed') return html`<${LoginForm} onDone=${look} />`;
  if (login.is === 'done')
    return html`<${Watch} me=${login.me} onLoggedOut=${needLogin} onLeave=${() => setLogin({ is: 'leaving' })} />`;
  return html`<main class="login"><p role="status">${silence === '' ? 'Loading …' : `Skyweir cannot be reached: ${silence}. Trying again …`}</p></main>`;
}

/** Renders again when one of the feeds has something new, and once a second. */
function useFeeds(onLoggedOut: () => void): { overview: OverviewFeed; events: EventFeed } {
  const [, setTurn] = useState(0);
  const feeds = useMemo(() => {
    const next = () => setTurn((turn) => turn + 1);
    return { overview: new OverviewFeed(next, onLoggedOut), events: new EventFeed(next), next };
  }, []);
  useEffect(() => {
    feeds.overview.start();
    feeds.events.start();
    // Only an answer renders by itself; that there is none must be seen, too.
    const timer = setInterval(() => feeds.overview.old && feeds.next(), 1000);
    return () => {
      clearInterval(timer);
      feeds.overview.stop();
      feeds.events.stop();
    };
  }, []);
  return feeds;
}

function usePlace(): [Place, (place: Place) => void] {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const onChange = () => setPlace(parsePlace(location.hash));
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return [
    place,
    (next) => {
      history.replaceState(null, '', placeHash(next));
      setPlace(next);
    },
  ];
}

interface WatchProps {
  readonly me: Me;
  /** The server wants to know who asks. */
  readonly onLoggedOut: () => void;
  /** Somebody wants to log out. */
  readonly onLeave: () => void;
}

function Watch({ me, onLoggedOut, onLeave }: WatchProps) {
  const { overview, events } = useFeeds(onLoggedOut);
  const [place, setPlace] = usePlace();
  const [query, setQuery] = useState<ListQuery>(everything);
  const [chosen, setChosen] = useState<number | null>(place.camera);
  const [theme, setTheme] = useState<Theme>(readTheme);
  const search = useRef<HTMLInputElement>(null);
  const { snapshot, failure, receivedMs } = overview.state;
  const { old } = overview;
  const announcement = useAnnouncement(snapshot);
  const shown = useMemo(() => (snapshot === null ? [] : queryCameras(snapshot.cameras, query)), [snapshot, query]);

  useEffect(() => applyTheme(theme), [theme]);
  useEffect(() => {
    document.title = titleOf(snapshot, old);
  }, [snapshot, old]);

  const open = (index: number) => {
    setChosen(index);
    setPlace({ part: 'cameras', camera: index });
  };
  const close = () => {
    setPlace({ part: 'cameras', camera: null });
    document.getElementById('camera-list')?.focus();
  };
  const choose = (index: number) => {
    setChosen(index);
    if (place.camera !== null) setPlace({ part: 'cameras', camera: index });
  };
  useKeys({
    search: () => {
      if (place.part !== 'cameras') setPlace({ part: 'cameras', camera: null });
      requestAnimationFrame(() => search.current?.select());
    },
    escape: () => {
      if (document.activeElement === search.current && query.text !== '') setQuery({ ...query, text: '' });
      else if (place.camera !== null) close();
      else if (document.activeElement === search.current) document.getElementById('camera-list')?.focus();
      else setQuery({ ...query, text: '', state: 'all' });
    },
    arrow: (event) => {
      const list = document.getElementById('camera-list');
      if (document.activeElement !== document.body || list === null) return;
      list.focus();
      list.dispatchEvent(new KeyboardEvent('keydown', { key: event.key, bubbles: false }));
      event.preventDefault();
    },
  });

  const detail = place.camera === null ? undefined : snapshot?.cameras.find(({ index }) => index === place.camera);
  // A camera that was removed does not come back: another one may get its index.
  const isGone = place.camera !== null && snapshot !== null && detail === undefined;
  useEffect(() => {
    if (isGone) setPlace({ part: 'cameras', camera: null });
  }, [isGone]);
  return html`
    <div class=${`watch${old ? ' old' : ''}${detail === undefined ? '' : ' with-detail'}`}>
      <${TopBar} me=${me} snapshot=${snapshot} place=${place} setPlace=${setPlace} theme=${theme} setTheme=${setTheme} onLoggedOut=${onLoggedOut} onLeave=${onLeave} />
      ${old && html`<${OldBanner} failure=${failure} receivedMs=${receivedMs} />`}
      <div class="sr-only" role="status" aria-live="polite">${announcement}</div>
      ${snapshot === null && !old && html`<p class="nothing" role="status">Loading …</p>`}
      ${
        snapshot !== null &&
        place.part === 'cameras' &&
        html`
          <main class="cameras">
            <section class="overview" aria-label="All cameras">
              <${Filters} snapshot=${snapshot} query=${query} onQuery=${setQuery} search=${search} />
              <${CameraList} cameras=${shown} total=${snapshot.cameras.length} query=${query} onQuery=${setQuery} chosen=${chosen} onChoose=${choose} onOpen=${open} />
            </section>
            ${
              detail !== undefined &&
              html`<${CameraDetail}
                camera=${detail}
                snapshot=${snapshot}
                series=${overview.history.series(detail.index)}
                newestEvent=${events.events[0]?.id ?? ''}
                me=${me}
                theme=${shownTheme(theme)}
                onClose=${close}
              />`
            }
          </main>
        `
      }
      ${snapshot !== null && place.part === 'server' && html`<main><${ServerView} snapshot=${snapshot} /></main>`}
      ${
        snapshot !== null &&
        place.part === 'events' &&
        html`<main class="all-events">
          <h2>Events <small>${events.live ? 'new ones appear by themselves' : 'connecting …'}</small></h2>
          <${EventList} events=${events.events} reasons=${snapshot.names.reasons} cameras=${snapshot.cameras} onOpen=${open} />
        </main>`
      }
    </div>
  `;
}

function OldBanner({ failure, receivedMs }: { failure: string | null; receivedMs: number }) {
  const age = durationText((performance.now() - receivedMs) / 1000);
  const what = receivedMs === 0 ? 'Nothing has come from the server yet' : `What you see is ${age} old`;
  return html`
    <div class="banner">
      <span class="sr-only" role="alert">The server does not answer; the figures are old.</span>
      <span aria-hidden="true"><strong>${what}.</strong> ${failure === null ? 'The server has not answered since' : failure}; trying again …</span>
    </div>
  `;
}

/** What has changed since the last announcement, not more often than somebody wants to hear. */
function useAnnouncement(snapshot: Snapshot | null): string {
  const [text, setText] = useState('');
  const told = useRef<{ snapshot: Snapshot | null; ms: number }>({ snapshot: null, ms: 0 });
  useEffect(() => {
    const { current } = told;
    if (snapshot === null) return;
    if (current.snapshot === null) current.snapshot = snapshot;
    if (performance.now() - current.ms < announceMs) return;
    const changes = describeChanges(current.snapshot, snapshot);
    current.snapshot = snapshot;
    if (changes === '') return;
    current.ms = performance.now();
    setText(changes);
  }, [snapshot]);
  return text;
}

function titleOf(snapshot: Snapshot | null, old: boolean): string {
  if (old) return 'No answer – Skyweir';
  if (snapshot === null) return 'Skyweir';
  const { counts } = snapshot;
  const trouble = counts.trouble > 0 ? `${counts.trouble} troubled, ` : '';
  return `${trouble}${counts.air + counts.trouble} on air – Skyweir`;
}
