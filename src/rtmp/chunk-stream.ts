/** What is remembered of one chunk stream: the last header, and how much of its open message is still to come. */
export class ChunkStream {
  readonly csid: number;
  /** Absolute timestamp of the current or last message, unsigned 32-bit ms. */
  timestamp = 0;
  /** What a fmt 3 chunk that starts a message adds to the timestamp. */
  delta = 0;
  /** The last header was fmt 0 and its timestamp is too large to be a delta; `delta` is 0 for it. */
  deltaGuarded = false;
  /** The last header's 24-bit field was 0xFFFFFF, so fmt 3 chunks may repeat `extendedTimestamp`. */
  extended = false;
  /** The last extended timestamp as it was on the wire. */
  extendedTimestamp = 0;
  /** Body length of the current or last message in bytes. */
  length = 0;
  /** Message type id. */
  type = 0;
  messageStreamId = 0;
  /** A message is incomplete. */
  open = false;
  /** Bytes of the open message's body that are still to come. */
  remaining = 0;

  // For whoever receives the messages: small integers and buffers that belong to the open message.
  /** What is done with the body; the meaning is the sink's. */
  route = 0;
  /** The body as far as it is gathered, and the number of bytes in it. */
  body: Buffer | null = null;
  bodyLength = 0;

  constructor(csid: number) {
    this.csid = csid;
  }
}

/**
 * Receives messages while they arrive. Calls for one chunk stream are begin, append*, then end or abort; those for
 * different chunk streams interleave. The bytes of `append` are valid during the call only.
 */
export interface MessageSink {
  begin(stream: ChunkStream): void;
  append(stream: ChunkStream, bytes: Buffer, start: number, end: number): void;
  end(stream: ChunkStream): void;
  abort(stream: ChunkStream): void;
}
