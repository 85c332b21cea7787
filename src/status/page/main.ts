import { render } from 'preact';
import { App } from './app.ts';
import { html } from './html.ts';
import { applyTheme, readTheme } from './theme.ts';

applyTheme(readTheme());
render(html`<${App} />`, document.getElementById('page')!);
