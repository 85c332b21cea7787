/** A vector: client bytes, and what they have to mean however they are cut. */
export interface Vector {
  readonly name: string;
  /** `chunks`: through a chunk decoder. `session`: from the first byte on, through a server session that accepts. */
  readonly kind: 'chunks' | 'session';
  /** `written` from the clause, or captured from the program named. */
  readonly origin: string;
  /** Clause of RTMP 1.0, or the peer whose habit it is, with the requirement it covers. */
  readonly clause: string;
  /** What happens, in order; ends with `error <code>` if the connection has to end. */
  readonly events: readonly string[];
  /** Kind `session`: what the session answers, in order. Absent: not looked at. */
  readonly replies?: readonly string[];
  /** Absent for captures, whose bytes are only in their file. */
  readonly bytes?: Buffer;
}
