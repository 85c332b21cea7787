/** Bytes of C1, C2, S1 and S2 (RTMP 1.0, clause 5.2). */
export const handshakeBytes = 1536;

/** The first byte of plain RTMP. */
export const rtmpVersion = 3;
