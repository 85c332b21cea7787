import { useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { html } from './html.ts';
import { logIn } from './session.ts';

/** Asks for user name and password. */
export function LoginForm({ onDone }: { onDone: () => void }) {
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    setBusy(true);
    setFailure('');
    try {
      await logIn(String(form.get('user')), String(form.get('password')));
      onDone();
    } catch (error) {
      setFailure(error instanceof ApiError ? sentence(error.message) : 'That failed.');
      setBusy(false);
    }
  };
  return html`
    <main class="login">
      <form onSubmit=${submit}>
        <h1>Skyweir</h1>
        <label>User name <input name="user" autocomplete="username" autocapitalize="none" required ref=${focus} /></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
        <p class="failure" role="alert">${failure}</p>
        <button type="submit" class="main" disabled=${busy}>Log in</button>
      </form>
    </main>
  `;
}

function focus(input: HTMLInputElement | null): void {
  if (input !== null && document.activeElement === document.body) input.focus();
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
