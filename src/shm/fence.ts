/** A word of this thread alone (every worker has its own copy of this module), so the operation below never bounces a line. */
const word = new Int32Array(new SharedArrayBuffer(64));

/**
 * A full memory fence: plain accesses before it are not reordered with accesses after it, by the processor or by V8.
 *
 * Why it exists: `Atomics.store` only holds back what comes before it and `Atomics.load` only what comes after it (STLR and
 * LDAR on ARM64). A seqlock needs the other two directions: the writer's "this record is gone" must be seen before the
 * bytes that it writes next, and the reader's bytes must be loaded before it looks whether the record is still there.
 * A read-modify-write has acquire and release semantics together, and between an access before it and one after it that is
 * a barrier (Arm ARM, barrier-ordered-before) whether V8 emits SWPAL or an LDAXR/STLXR loop:
 *
 *   writer   STLR tail ; fence ; STR bytes     SWPAL between the two, or STLR -> LDAXR (release then acquire), LDAXR -> STR
 *   reader   LDR bytes ; fence ; LDAR tail     SWPAL between the two, or LDR -> STLXR, STLXR -> LDAR (release then acquire)
 *
 * It must stand between two other accesses: the ordering of the read-modify-write's own halves against later accesses is
 * weaker, so exchanging the tail itself would not do. On x86-64 it is an XCHG, a full barrier too. V8 keeps typed array
 * accesses and Atomics in program order. The language itself promises nothing for racing plain accesses; the tests in
 * `test/threads` watch this on real threads.
 */
export function fence(): void {
  Atomics.exchange(word, 0, 0);
}
