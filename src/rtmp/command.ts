import { AmfDecoder, amfMarker } from '../amf0/decode.ts';
import { AmfEncoder } from '../amf0/encode.ts';
import type { AmfValue } from '../amf0/value.ts';
import { ConnectionError } from '../base/errors.ts';

/** A command message (RTMP 1.0, clause 7.2). */
export interface Command {
  readonly name: string;
  /** The transaction id as its eight bytes, because replies must give it back bit by bit, a NaN's payload too. */
  readonly transaction: Uint8Array;
  /** The peer waits for a reply: its transaction id is not 0. */
  readonly wantsReply: boolean;
  /** Command object and arguments. */
  readonly arguments: readonly AmfValue[];
}

const noTransaction = new Uint8Array(8);

/** Most arguments that any command has; more are not read. */
const mostArguments = 16;

/**
 * Decodes the body of a command message, without the format byte of type 17. Arguments behind something that cannot be
 * read are missing. Throws `ConnectionError` (AMF codes) for bad bytes and for a command without a name.
 */
export function decodeCommand(bytes: Buffer, start: number, end: number): Command {
  const decoder = new AmfDecoder(bytes, start, end);
  const name = decoder.remaining > 0 ? decoder.value() : undefined;
  if (typeof name !== 'string') throw new ConnectionError('amf_malformed', 'a command without a name');
  let transaction = noTransaction;
  let wantsReply = false;
  if (decoder.remaining > 0) {
    const at = decoder.position;
    const isNumber = decoder.peekMarker() === amfMarker.number;
    const id = decoder.value();
    if (isNumber) {
      transaction = Uint8Array.prototype.slice.call(bytes, at + 1, at + 9);
      wantsReply = id !== 0;
    }
  }
  const values: AmfValue[] = [];
  while (decoder.remaining > 0 && values.length < mostArguments) {
    const value = decoder.value();
    if (decoder.unreadable) break;
    values.push(value);
  }
  return { name, transaction, wantsReply, arguments: values };
}

/** Body of `_result` or `_error` with a null command object and one argument, which may be left out. */
export function encodeReply(name: '_result' | '_error', transaction: Uint8Array, ...argument: AmfValue[]): Buffer {
  const body = new AmfEncoder().string(name).rawNumber(transaction).null();
  for (const value of argument) body.value(value);
  return body.bytes();
}

/** Body of `_result` to `connect` (clause 7.2.1.1). */
export function encodeConnectResult(transaction: Uint8Array, objectEncoding: number): Buffer {
  return new AmfEncoder()
    .string('_result')
    .rawNumber(transaction)
    .beginObject()
    .property('fmsVer')
    .string('FMS/3,5,3,888')
    .property('capabilities')
    .number(31)
    .property('mode')
    .number(1)
    .endObject()
    .value(
      statusObject('status', 'NetConnection.Connect.Success', 'Connection succeeded.').set(
        'objectEncoding',
        objectEncoding,
      ),
    )
    .bytes();
}

/** Body of `onStatus` (clause 7.2.2). */
export function encodeStatus(level: 'status' | 'error', code: string, description: string): Buffer {
  return new AmfEncoder()
    .string('onStatus')
    .number(0)
    .null()
    .value(statusObject(level, code, description))
    .bytes();
}

/** Body of a call to the peer that carries a status code: `onFCPublish`, `onFCSubscribe`. */
export function encodeNotification(name: string, transaction: Uint8Array, code: string, description: string): Buffer {
  return new AmfEncoder()
    .string(name)
    .rawNumber(transaction)
    .null()
    .value(statusObject('status', code, description))
    .bytes();
}

/** Body of any command with a command object and arguments. */
export function encodeCommand(name: string, transaction: number, ...values: AmfValue[]): Buffer {
  const body = new AmfEncoder().string(name).number(transaction);
  for (const value of values) body.value(value);
  return body.bytes();
}

/** The information object of a status reply. */
export function statusObject(level: string, code: string, description: string): Map<string, AmfValue> {
  return new Map<string, AmfValue>([
    ['level', level],
    ['code', code],
    ['description', description],
  ]);
}
