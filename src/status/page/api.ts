/** Who looks at the page. */
export interface Me {
  /** Null for whoever has not logged in. */
  readonly user: string | null;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly authentication: 'on' | 'off';
  /** How the login was proven; only that of a session can be ended here. */
  readonly via: 'none' | 'password' | 'session' | 'token';
}

/** An answer that is none of those that were hoped for. `status` 0: there was no answer at all. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/** Milliseconds that an answer may take. */
const answerMs = 8000;

/** Tells the server that the page asks, so that the browser asks nobody for a password: the page has a form of its own. */
const pageHeaders: Readonly<Record<string, string>> = { 'X-Skyweir-Page': '1' };

/** Asks the server; throws {@link ApiError} for every answer that is not good. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...pageHeaders, ...(init.headers as Record<string, string> | undefined) };
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: 'no-store', signal: AbortSignal.timeout(answerMs) });
  } catch {
    throw new ApiError(0, 'the server does not answer');
  }
  if (response.ok || response.status === 304) return response;
  throw new ApiError(response.status, await problemText(response));
}

/** The same for JSON. */
export async function askJson<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await ask(path, init);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(0, 'the answer of the server broke off');
  }
}

/** Asks for a change. */
export function change(method: string, path: string, body?: object): Promise<Response> {
  if (body === undefined) return ask(path, { method });
  return ask(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
}

async function problemText(response: Response): Promise<string> {
  try {
    const { detail, title } = (await response.json()) as { detail?: string; title?: string };
    return detail ?? title ?? `status ${response.status}`;
  } catch {
    return `status ${response.status}`;
  }
}
