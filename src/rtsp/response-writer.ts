/** Reason phrases of the status codes that are sent (RFC 2326 section 7.1.1). */
export const reasonPhrases: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  453: 'Not Enough Bandwidth',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'RTSP Version Not Supported',
  551: 'Option Not Supported',
};

/** Writes one response. `headers` are whole lines without their ends; `cseq` is echoed, '' leaves it out. */
export function writeResponse(status: number, cseq: string, headers: readonly string[], body = ''): Uint8Array {
  let text = `RTSP/1.0 ${status} ${reasonPhrases[status] ?? 'Error'}\r\n`;
  if (cseq !== '') text += `CSeq: ${cseq}\r\n`;
  text += 'Server: Skyweir\r\n';
  for (const header of headers) text += `${header}\r\n`;
  if (body !== '') text += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${text}\r\n${body}`);
}
