/** What one RTMP session received, and the oddities it put up with. Plain numbers, only ever growing. */
export class SessionCounters {
  /** Bytes consumed, handshake included. Never wraps; the wire's counter is its low 32 bits. */
  bytesReceived = 0;
  /** Complete messages of any type. */
  messages = 0;
  videoMessages = 0;
  videoBytes = 0;
  audioMessages = 0;
  audioBytes = 0;
  /** Data messages (metadata and the like) of a live publication. */
  dataMessages = 0;
  /** Messages dropped because nothing was being published, or not what they belong to. */
  ignoredMessages = 0;
  acknowledgementsSent = 0;

  // Tolerated oddities
  /** Messages of a type that is not defined, type 0 included. */
  unknownMessages = 0;
  /** Messages replaced by a new header before they were complete. */
  restartedMessages = 0;
  abortedMessages = 0;
  /** fmt 1 as the first header of a chunk stream. */
  freshRelativeHeaders = 0;
  /** fmt 3 starting a message after a fmt 0 whose timestamp is too large to be meant as a delta. */
  guardedDeltas = 0;
  /** fmt 3 chunks without the extended timestamp that their message has. */
  omittedExtendedTimestamps = 0;
  shortControlMessages = 0;
  unknownCommands = 0;
  /** `publish` once more while publishing. */
  repeatedPublishes = 0;
  /** Data messages that could not be read, or were too large. */
  malformedData = 0;
  /** Aggregates with a tag that runs past their end or is an aggregate itself, and those with more video than allowed. */
  malformedAggregates = 0;
  /** Video messages without a body. */
  emptyVideoMessages = 0;

  /** Oddities of all kinds. */
  get tolerated(): number {
    return (
      this.unknownMessages +
      this.restartedMessages +
      this.abortedMessages +
      this.freshRelativeHeaders +
      this.guardedDeltas +
      this.omittedExtendedTimestamps +
      this.shortControlMessages +
      this.unknownCommands +
      this.repeatedPublishes +
      this.malformedData +
      this.malformedAggregates +
      this.emptyVideoMessages
    );
  }
}
