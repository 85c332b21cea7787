import { type ApiError, askJson, change, type Me } from './api.ts';

/** Whether somebody is logged in. `unknown` until the server has said; `leaving` until it knows that somebody logs out. */
export type Login = { readonly is: 'unknown' | 'needed' | 'leaving' } | { readonly is: 'done'; readonly me: Me };

/** Milliseconds until a server that did not answer is asked again. */
const retryMs = 2000;

/** Asks who looks at the page, until there is an answer. `onSilence` is called when there was none. */
export async function findLogin(onSilence: (failure: string) => void): Promise<Login> {
  for (;;) {
    try {
      return { is: 'done', me: await askJson<Me>('/api/v1/me') };
    } catch (error) {
      const { status = 0, message } = error as Partial<ApiError>;
      if (status === 401) return { is: 'needed' };
      onSilence(message ?? '');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** Logs in; throws {@link ApiError}. */
export async function logIn(user: string, password: string): Promise<void> {
  await change('POST', '/api/v1/login', { user, password });
}

/** Logs out. Until the server has heard it, whoever comes next is still logged in: it is told again until there is an answer. */
export async function logOut(onSilence: (failure: string) => void): Promise<void> {
  for (;;) {
    try {
      await change('POST', '/api/v1/logout');
      return;
    } catch (error) {
      onSilence((error as Partial<ApiError>).message ?? '');
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** Whether a role may act on streams. */
export function mayOperate(me: Me): boolean {
  return me.role !== 'viewer';
}
