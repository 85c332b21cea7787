import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** One call of somebody else's HTTP server. */
export interface HttpCall {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for everything: name, connection, TLS, question and whole answer. */
  readonly timeoutMs: number;
  /** Bytes of an answer; a longer one is an error. */
  readonly maximumBytes: number;
  readonly signal?: AbortSignal;
}

/** What came back. A redirection is an answer like any other: it is not followed. */
export interface HttpCallAnswer {
  readonly status: number;
  readonly body: string;
}

/** Calls over http:// or https://. Rejects with an error whose text names neither query nor credentials. */
export function callHttp(call: HttpCall): Promise<HttpCallAnswer> {
  const { url, method, headers = {}, body, timeoutMs, maximumBytes, signal } = call;
  // The scheme of a URL may be written in upper case.
  const request = new URL(url).protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    // A connection of its own: one that was kept may be closed by the server in the very moment in which it is used again.
    const outgoing = request(url, { method, headers: { ...headers, ...length }, agent: false, signal });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      reject(new Error(error.code ?? error.message));
    };
    outgoing.on('error', fail);
    // Without this, Node closes the connection and says nothing.
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      fail(new Error('the server speaks another protocol'));
    });
    outgoing.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('error', fail);
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > maximumBytes) response.destroy(new Error(`the answer is longer than ${maximumBytes} bytes`));
        else parts.push(part);
      });
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') });
      });
      // An answer that breaks off has no end, and not always an error.
      response.on('close', () => fail(new Error('the answer broke off')));
    });
    outgoing.end(body);
  });
}
