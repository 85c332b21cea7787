/** The payload of one RTMP message whose chunk headers after the first have one byte each (RTMP 1.0, 5.3.1). */
export function chunkPayload(bytes: Buffer, start: number, chunkSize: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = start; at < bytes.length; at += chunkSize + 1) parts.push(bytes.subarray(at, at + chunkSize));
  return Buffer.concat(parts);
}
