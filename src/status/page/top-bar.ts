import type { Me } from './api.ts';
import { html } from './html.ts';
import type { Place } from './place.ts';
import type { Snapshot } from './snapshot.ts';
import type { Theme } from './theme.ts';
import { bitrateText, countText } from './words.ts';

export interface TopBarProps {
  readonly me: Me;
  readonly snapshot: Snapshot | null;
  readonly place: Place;
  readonly setPlace: (place: Place) => void;
  readonly theme: Theme;
  readonly setTheme: (theme: Theme) => void;
  readonly onLoggedOut: () => void;
  readonly onLeave: () => void;
}

/** What stands above every part of the page. */
export function TopBar({ me, snapshot, place, setPlace, theme, setTheme, onLoggedOut, onLeave }: TopBarProps) {
  const server = snapshot?.answer.server;
  const parts = { cameras: 'Cameras', server: 'Server', events: 'Events' } as const;
  return html`
    <header class="top">
      <h1>Skyweir</h1>
      <nav aria-label="Parts of this page">
        ${(Object.keys(parts) as (keyof typeof parts)[]).map(
          (part) =>
            html`<a key=${part} href=${`#/${part}`} aria-current=${place.part === part ? 'page' : undefined} onClick=${(
              event: MouseEvent,
            ) => {
              event.preventDefault();
              setPlace({ part, camera: null });
            }}>${parts[part]}</a>`,
        )}
      </nav>
      ${
        server !== undefined &&
        html`<a class=${`ready ${server.ready ? 'good' : 'bad'}`} href="#/server" title=${server.ready ? 'The server is well' : server.reasons.map(({ text }) => text).join('; ')}>
          <span class=${`mark ${server.ready ? 'air' : 'trouble'}`} aria-hidden="true"></span>${server.ready ? 'Ready' : server.overloaded ? 'Overloaded' : 'Not ready'}
        </a>`
      }
      <span class="room"></span>
      ${
        snapshot !== null &&
        html`<span class="sums">${bitrateText(snapshot.kbps)} in <span class="dim">·</span> ${countText(snapshot.readers, 'reader')}</span>`
      }
      <label class="theme"><span class="sr-only">Colours</span>
        <select value=${theme} onChange=${(event: Event) => setTheme((event.target as HTMLSelectElement).value as Theme)}>
          <option value="system">Auto</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      ${me.user !== null && html`<span class="user" title=${`Logged in as ${me.user} (${me.role})`}>${me.user}</span>`}
      ${me.via === 'session' && html`<button type="button" class="quiet" onClick=${onLeave}>Log out</button>`}
      ${
        me.via === 'none' &&
        me.role === 'viewer' &&
        html`<button type="button" class="quiet" onClick=${onLoggedOut} title="To act on streams">Log in</button>`
      }
    </header>
  `;
}
