/** An error as RFC 9457 has it. `type` is left out: `about:blank`, so the title is that of the status. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  /** What is wrong with this request, for people. */
  readonly detail?: string;
}

export const problemMediaType = 'application/problem+json';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The problem for a status. */
export function problemOf(status: number, detail?: string): Problem {
  const title = titles[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error');
  return { title, status, ...(detail !== undefined && { detail }) };
}
