/**
 * Every reason for which a connection, request or start-up can end, in one table. The code is what logs, counters and
 * tests use; it is stable. `peer` says whose fault it is: the peer's (true) or ours and the machine's (false).
 */
export const errorTable = {
  // RTMP handshake and chunk stream
  bad_version: { layer: 'rtmp', peer: true, text: 'the first byte is not RTMP version 3' },
  rtmpe_unsupported: { layer: 'rtmp', peer: true, text: 'RTMPE is not supported; use rtmps:// for encryption' },
  not_rtmp_tls: { layer: 'rtmp', peer: true, text: 'TLS on the plain RTMP port; use rtmp:// or enable TLS' },
  not_rtmp_http: { layer: 'rtmp', peer: true, text: 'HTTP on the RTMP port; use an rtmp:// address' },
  not_rtmp_proxy: { layer: 'rtmp', peer: true, text: 'a PROXY protocol header from a peer that is not configured' },
  not_rtmp: { layer: 'rtmp', peer: true, text: 'the peer does not speak RTMP' },
  not_tls_rtmp: { layer: 'tls', peer: true, text: 'plain RTMP on the RTMPS port; use rtmps:// instead of rtmp://' },
  not_tls: { layer: 'tls', peer: true, text: 'the peer does not speak TLS on the RTMPS port' },
  tls_handshake_failed: { layer: 'tls', peer: true, text: 'the TLS handshake failed' },
  tls_failed: { layer: 'tls', peer: true, text: 'the TLS connection broke' },
  chunk_no_state: { layer: 'rtmp', peer: true, text: 'a chunk refers to a chunk stream that has no header yet' },
  chunk_restarted: { layer: 'rtmp', peer: true, text: 'messages were restarted before they were complete too often' },
  chunk_size_invalid: { layer: 'rtmp', peer: true, text: 'Set Chunk Size with an invalid value' },
  chunk_streams_exceeded: { layer: 'rtmp', peer: true, text: 'too many chunk streams' },
  message_too_large: { layer: 'rtmp', peer: true, text: 'a message is larger than allowed' },
  partial_bodies_exceeded: { layer: 'rtmp', peer: true, text: 'too many bytes in unfinished messages' },
  control_malformed: { layer: 'rtmp', peer: true, text: 'a protocol control message is too short' },
  ignored_bytes_exceeded: { layer: 'rtmp', peer: true, text: 'too much data before publishing' },
  work_exceeded: { layer: 'rtmp', peer: true, text: 'too many chunks for the bytes they carry' },
  amf_malformed: { layer: 'amf', peer: true, text: 'an AMF value is malformed' },
  amf_too_deep: { layer: 'amf', peer: true, text: 'AMF values are nested too deeply' },
  amf_too_large: { layer: 'amf', peer: true, text: 'an AMF message has too many values' },
  connect_repeated: { layer: 'rtmp', peer: true, text: 'connect was sent twice' },
  connect_missing: { layer: 'rtmp', peer: true, text: 'a command came before connect' },
  streams_exceeded: { layer: 'rtmp', peer: true, text: 'too many message streams' },
  publish_flood: { layer: 'rtmp', peer: true, text: 'the peer publishes and unpublishes too often' },
  output_exceeded: { layer: 'rtmp', peer: true, text: 'the peer does not read our replies' },

  // What a publisher may do
  path_unknown: { layer: 'publish', peer: true, text: 'no camera has this stream path' },
  path_elsewhere: { layer: 'publish', peer: true, text: 'the camera of this stream path is pushed to on another port' },
  path_invalid: { layer: 'publish', peer: true, text: 'the stream path is not acceptable' },
  path_busy: { layer: 'publish', peer: true, text: 'Stream is already being published to' },
  path_flapping: { layer: 'publish', peer: true, text: 'the path was taken over a moment ago' },
  taken_over: { layer: 'publish', peer: false, text: 'another publisher took the path over' },
  address_denied: { layer: 'publish', peer: true, text: 'the address may not publish to this camera (allow-ip)' },
  credential_missing: { layer: 'publish', peer: true, text: 'the publisher gave no key, signature or token' },
  credential_wrong: { layer: 'publish', peer: true, text: "the publisher's credential is wrong" },
  credential_early: { layer: 'publish', peer: true, text: "the publisher's credential is not valid yet" },
  credential_expired: { layer: 'publish', peer: true, text: "the publisher's credential has expired" },
  credential_replayed: { layer: 'publish', peer: true, text: "the publisher's credential was for one use" },
  credential_throttled: { layer: 'publish', peer: true, text: 'too many wrong credentials came from this address' },
  credential_unavailable: { layer: 'publish', peer: false, text: "the publisher's credential could not be checked" },
  key_revoked: { layer: 'publish', peer: false, text: 'the stream key of the publisher was revoked' },
  rule_violated: { layer: 'publish', peer: true, text: 'the stream broke an ingest rule' },
  rule_hold_off: { layer: 'publish', peer: true, text: 'the publisher broke an ingest rule a moment ago' },
  play_refused: { layer: 'publish', peer: true, text: 'streams are read over RTSP, not over RTMP' },

  // Deadlines
  handshake_timeout: { layer: 'time', peer: true, text: 'the handshake was not completed in time' },
  publish_timeout: { layer: 'time', peer: true, text: 'the peer connected but never published' },
  video_timeout: { layer: 'time', peer: true, text: 'the publisher stopped sending video' },
  receive_timeout: { layer: 'time', peer: true, text: 'the peer stopped sending data' },
  write_stalled: { layer: 'time', peer: true, text: 'the peer accepted no data for too long' },
  session_timeout: { layer: 'time', peer: true, text: 'the RTSP session was not kept alive' },

  // Admission
  ip_denied: { layer: 'admission', peer: true, text: 'the address may not publish here (allow-ip, deny-ip)' },
  connections_exceeded: { layer: 'admission', peer: true, text: 'the connection limit is reached' },
  connections_per_ip_exceeded: { layer: 'admission', peer: true, text: 'too many connections from this address' },
  rate_limited: { layer: 'admission', peer: true, text: 'too many new connections per second from this address' },
  overloaded: { layer: 'admission', peer: false, text: 'the server has no room for another publisher' },

  // RTSP
  rtsp_malformed: { layer: 'rtsp', peer: true, text: 'an RTSP request is malformed' },
  rtsps_off: { layer: 'rtsp', peer: true, text: 'TLS on the RTSP port, but there is no certificate; use rtsp://' },
  rtsp_too_large: { layer: 'rtsp', peer: true, text: 'an RTSP request is larger than allowed' },
  authentication_failed: { layer: 'rtsp', peer: true, text: 'user name or password is wrong' },

  // Ends that nobody is to blame for
  peer_closed: { layer: 'end', peer: false, text: 'the peer closed the connection' },
  peer_reset: { layer: 'end', peer: true, text: 'the connection was reset' },
  unpublished: { layer: 'end', peer: false, text: 'the publisher ended its stream' },
  teardown: { layer: 'end', peer: false, text: 'the reader ended its session' },
  kicked: { layer: 'end', peer: false, text: 'an operator ended the stream' },
  camera_removed: { layer: 'end', peer: false, text: 'the camera was removed from the configuration' },
  shutdown: { layer: 'end', peer: false, text: 'the server is shutting down' },
  worker_failed: { layer: 'end', peer: false, text: 'the worker thread failed' },
  internal: { layer: 'end', peer: false, text: 'an internal error; please report it' },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly layer: string;
  readonly peer: boolean;
  readonly text: string;
}

/** A stable code of {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/** Ends the connection that it is thrown on, and nothing else. `detail` must not hold secrets. */
export class ConnectionError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, detail?: string) {
    super(detail === undefined ? errorTable[code].text : `${errorTable[code].text}: ${detail}`);
    this.name = 'ConnectionError';
    this.code = code;
    this.detail = detail;
  }
}
