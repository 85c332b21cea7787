import { AmfDecoder } from '../amf0/decode.ts';
import type { AmfObject } from '../amf0/value.ts';
import { ConnectionError } from '../base/errors.ts';
import type { SessionCounters } from './session-counters.ts';

/**
 * The values of an `onMetaData` message, sent as such or wrapped in `@setDataFrame`; null for any other data message.
 * One that cannot be read is counted and no reason to end a live stream; hostile depth or size is, and throws.
 */
export function decodeMetadata(bytes: Buffer, start: number, end: number, counters: SessionCounters): AmfObject | null {
  try {
    const decoder = new AmfDecoder(bytes, start, end);
    let named = false;
    while (decoder.remaining > 0) {
      const value = decoder.value();
      if (decoder.unreadable) break;
      if (value === 'onMetaData') named = true;
      else if (named) return value instanceof Map ? value : null;
      // Uniview puts a number in front; any other event's name ends the search.
      else if (typeof value === 'string' && value !== '@setDataFrame') return null;
    }
    if (decoder.unreadable) counters.malformedData++;
  } catch (error) {
    if (!(error instanceof ConnectionError) || error.code !== 'amf_malformed') throw error;
    counters.malformedData++;
  }
  return null;
}
