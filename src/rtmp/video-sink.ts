/**
 * Where the bodies of video messages go while they arrive. Calls for two messages never interleave: begin, append*,
 * then end or abort.
 */
export interface VideoSink {
  /**
   * `timestampMs`: the message's RTMP timestamp, absolute, 32-bit unsigned, wrapping. `length`: declared body length in
   * bytes, may be 0. `nowMs`: of the read that the message began in.
   */
  begin(timestampMs: number, length: number, nowMs: number): void;
  /** The next bytes of the body; valid during the call only. */
  append(bytes: Buffer, start: number, end: number): void;
  /**
   * The message is complete. Returns what that cost beside its bytes, in NAL units that were looked at: they take some 0.4 us, and
   * what takes longer counts for as many as it takes the time of.
   */
  end(): number;
  /** The message will not be completed: abort message, restart, end of the publication or of the connection. */
  abort(): void;
}
