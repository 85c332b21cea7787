/**
 * Every bound on what a peer can make the server hold or do, with unit and reason. A bound that an operator may need to
 * change is also a configuration key; its default is taken from here.
 */
export const limits = {
  rtmp: {
    /** Bytes. A 4K IDR is 2 to 4 MB; one GStreamer device was seen sending more than 5 MB. */
    messageBytes: 10 * 1024 * 1024,
    /** Bytes. Commands and metadata are small; before publishing nothing else is due. */
    messageBytesBeforePublish: 64 * 1024,
    /** Bytes in unfinished messages of one connection, growing with received bytes only. */
    partialBytes: 16 * 1024 * 1024,
    /** Chunk streams with state. Encoders use 3 to 6. */
    chunkStreams: 64,
    /**
     * Unfinished messages that may be replaced by a new header on their chunk stream, and complete ones after which all of that is
     * forgiven: half a minute of a camera. A stream of weeks may have a few; lost framing has them one after the other.
     */
    restartedMessages: 3,
    restartsForgivenAfter: 1000,
    /** Message streams of one connection. */
    messageStreams: 8,
    /** Publications of one connection, at once and more for each second: encoders have one, some a few. Each is told of in log and events. */
    publications: { atOnce: 8, perSecond: 1 },
    /** Bytes of a command, data or protocol control message, at any time; the largest seen are some 2 KiB. */
    commandBytes: 64 * 1024,
    /** Bytes of messages that are ignored before publishing. */
    ignoredBytesBeforePublish: 64 * 1024,
    /** Chunks per 64 KiB received beyond what a chunk size of 128 makes; holds chunk sizes 1 to 127 down. */
    chunksPer64KiB: 4096,
    /**
     * Units of 0.4 us or so that messages of one connection cost before others have a turn: some 1 ms. A read of 256 KiB of
     * video has some ten pictures of 9 units, one of nothing but commands had 30 ms.
     */
    workPerTurn: 2048,
    /** Such units that the video tags of one aggregate message cost, some 3 ms: those of an honest one of a second cost 1400. */
    workPerMessage: 8192,
    /** Video messages that are complete and wait for the open one to end; no encoder has two. */
    waitingMessages: 8,
    /** FLV tags of one aggregate message: a second of 60 frames and their audio has some 150. */
    aggregateTags: 1024,
    /** Bytes of replies that may wait for a peer that does not read. */
    outputBytes: 256 * 1024,
    /** Bytes. An acknowledgement window below this would make one reply per read. */
    minAcknowledgementWindow: 32 * 1024,
    /** Characters that are kept of what an encoder calls itself; the longest seen has 60. */
    encoderCharacters: 256,
    /** Bytes of a stream path, and its segments. */
    pathBytes: 512,
    pathSegments: 8,
  },
  sockets: {
    /** Connections the kernel may hold for us: with Node's default of 511 a burst of 1000 drones pays a one-second SYN retry. */
    backlog: 4096,
    /** Bytes asked of the kernel for sending RTP over UDP, several large pictures; it gives what it allows. */
    sendBufferBytes: 4 * 1024 * 1024,
  },
  turns: {
    /**
     * Part of its thread's time that one connection may use, and milliseconds at once, some 2 MiB: a camera of 4.5 Mbit/s needs
     * 0.0006, and a keyframe of a usual camera 0.2 ms.
     */
    share: 0.1,
    burstMs: 2,
    /**
     * Milliseconds from slice to slice of those that wait, and those that a slice lasts: what a picture may have to wait for
     * them, at half of the thread's time. At least one is served in each, so the 8 MiB that a link has held back come within
     * 50 ms; and the first messages of some 2000 connections a second.
     */
    everyMs: 2,
    sliceMs: 1,
    /** Packets of a picture that go out over UDP before others have a turn, some 4 us each: a keyframe of 350 kB, and a usual one has 150. */
    packets: 256,
    /** Accepted connections that go to their threads in that time, 2000 a second: each costs the thread some 0.1 ms. */
    handOvers: 4,
    /** Requests of one HTTP connection in one turn of the event loop, some 0.1 ms each. Clients ask one by one. */
    requests: 4,
  },
  tls: {
    /** Bytes of a certificate with its chain and key; real ones are below 20 KiB. Memory of twice this is shared. */
    materialBytes: 256 * 1024,
    /** Characters of the password of a PKCS#12 file or key. */
    passwordCharacters: 1024,
  },
  amf: {
    /** Nested objects and arrays. */
    depth: 32,
    /** Values in one message, those repeated by reference included. */
    nodes: 10_000,
    /** Bytes of text that references repeat; a two-byte reference can stand for 64 KiB. */
    repeatedStringBytes: 1024 * 1024,
  },
  h264: {
    /** NAL units of one message: a 4K IDR of 4 MB in slices of one packet has some 3000. A slice per macroblock is not sent. */
    units: 8192,
    /** Parameter sets of one message that differ from those before; encoders send one SPS and a few PPS. */
    changedParameterSets: 64,
    /** Pictures of one message in front of which parameter sets change: each time all that follows is moved. Encoders change them once. */
    parameterChanges: 4,
    /** Bytes of SPS, PPS and decoder configuration together; real ones are below 200. */
    parameterSetBytes: 8 * 1024,
    /** Bytes of SEI and parameter sets that came without a picture and wait for the next one. */
    heldBytes: 64 * 1024,
    /**
     * Start codes that are looked at in a search through one message. Those of a byte stream are as many as its NAL units; without a
     * usual NAL unit behind them they are chance in real data, one in 16 MB. What is searched byte by byte, as SEI is for a recovery
     * point, counts as one for each 64 bytes: 256 KiB of it are looked through.
     */
    searchedStartCodes: 4096,
    /** Luma samples in either direction. */
    dimension: 16_384,
    /** Milliseconds. Composition times beyond this are clamped. */
    compositionTimeMs: 5_000,
  },
  ring: {
    /** Bytes of payload a ring starts with, and the most it follows the bitrate to. */
    initialBytes: 1024 * 1024,
    maximumBytes: 8 * 1024 * 1024,
    /** Bytes. One access unit of the largest message must fit beside its predecessor. */
    hardMaximumBytes: 24 * 1024 * 1024,
    /** Frames, as in the RTMP Push Driver's queue. */
    frames: 300,
    /** Threads that read one ring: consumers, and room for recording and preview. */
    readerSlots: 8,
  },
  pacing: {
    /**
     * Cameras of one consumer whose frames are held at the same time to spread a burst. Radio links stutter one by one; when more
     * cameras than these burst at once, what held them up was near, most likely this machine. To spread the bursts then would keep all
     * of them late, and their rings filled, for eight times as long as it was held up.
     */
    cameras: 64,
  },
  shedding: {
    /** Milliseconds for which a consumer has not once served all cameras that waited, until readers that are late lose frames. */
    behindMs: 1_000,
    /**
     * Seconds on end in which an ingest worker had nothing but work, until it leaves out what comes late: two, since it may find the backlog of
     * a machine that stood still in one of them.
     */
    fullNotes: 2,
    /**
     * Milliseconds after which a frame is late then: this, and for each reader and publisher up to as much again, so that not all
     * lose frames where it is enough that some do. Rings hold 2 s of video, and a group of pictures is often as long.
     */
    lateMs: 1_000,
    /**
     * Groups of pictures on end that are left out of a stream on arrival without making it less late; then one is taken, so that there is
     * always something that moves.
     */
    groups: 2,
  },
  rtsp: {
    /** Bytes of a request line with its headers. */
    headBytes: 16 * 1024,
    headers: 64,
    /** Bytes of a request body; real ones are a few parameters. */
    bodyBytes: 16 * 1024,
    /** Milliseconds without a request or receiver report. */
    sessionTimeoutMs: 60_000,
    /** Milliseconds for the TLS handshake: two round trips, of a few hundred milliseconds on a bad link. */
    handshakeMs: 5_000,
    /** Milliseconds until a reader must have logged in. Some ask a person for the password over the open connection. */
    strangerTimeoutMs: 20_000,
    /**
     * Connections from one address that have not logged in: a quarter of all, and more than a recorder has at any moment. Each consumer lets
     * its part of them in.
     */
    strangersPerAddress: 500,
    /** Milliseconds beyond the advertised timeout, for clients that keep alive at the last moment. */
    sessionGraceMs: 5_000,
    /** Wrong passwords on one connection before it is closed. */
    failedLogins: 8,
    /** Milliseconds without any write progress before a reader is cut off. */
    writeStallMs: 10_000,
    /** Bytes of responses that may wait for a reader that does not read; a client waits for each, and they are below 1 KiB. */
    outputBytes: 64 * 1024,
    /** Bytes of tunnelled requests on their way to another thread; a client waits for the answer to each. */
    tunnelBytes: 64 * 1024,
    /** UDP port. Lower ones are of name servers, clocks and the like: nobody receives media there. */
    lowestClientPort: 1024,
    /** Connections of RTSP readers. */
    connections: 2_000,
  },
  events: {
    /** Events that are kept of each camera, and of all together. */
    perCamera: 50,
    overall: 1_000,
    /**
     * Addresses that are told of one by one in a while of refused publishers, the milliseconds of the first while, and those of
     * the longest: an attack of a day is some dozens of events for each of these addresses, and the history keeps the rest.
     */
    rejections: { addresses: 20, windowMs: 60_000, longestMs: 3_600_000 },
    /** Addresses that the acceptor names for each reason, once a second; the others are a sum. */
    rejectedAddresses: 16,
  },
  hooks: {
    /** Events that wait for one target, and characters of them: an hour of 80 starts and stops a minute, of some 600 bytes each. */
    events: 5_000,
    bytes: 4 * 1024 * 1024,
    /** Attempts at one target at the same time. */
    parallel: 4,
    /** Milliseconds before the first repetition, and between the last ones. */
    firstRetryMs: 1_000,
    lastRetryMs: 5 * 60_000,
    /** Milliseconds after which an event is no news to anybody. */
    giveUpMs: 24 * 3_600_000,
    /** Milliseconds that a target may ask to wait. */
    longestWaitMs: 3_600_000,
    /** Bytes of an answer that are looked at. */
    answerBytes: 4 * 1024,
    /** Milliseconds in which a target of plain TCP should have answered or closed; what was sent counts as delivered after that. */
    closeMs: 2_000,
    /** Bytes of the file of what was not delivered; one more of this size is kept. And bytes that wait to be written to it. */
    deadLetterBytes: 5 * 1024 * 1024,
    deadLetterPendingBytes: 8 * 1024 * 1024,
    /** Milliseconds that events get to be delivered when Skyweir is stopped. */
    stopMs: 1_000,
  },
  onvif: {
    /** Bytes of the body of a SOAP request; the largest that clients send are some 4 KiB. */
    bodyBytes: 64 * 1024,
    /** The same without HTTP Digest: these must be parsed to find out who sent them. */
    strangerBytes: 16 * 1024,
    /** Bytes of an HTTP request line with its headers. */
    headBytes: 16 * 1024,
    /** Nested elements of a request, its envelope included; the deepest configuration has 12. */
    depth: 32,
    /** Marks of the two kinds that make the XML parser work: `<` (two for each element) and `=` (one for each attribute). */
    tags: 1024,
    attributes: 1024,
    /** Connections to one device, and of those from one address. A recorder holds a handful, and two more for each tunnel. */
    connections: 256,
    connectionsPerAddress: 128,
    /** Requests of one connection that wait for their answers: what comes in one read of 64 KiB, unless it is for no service. */
    requestsAtOnce: 512,
    /** Milliseconds in which TLS and the head of a request must be complete, and the whole request. */
    headTimeoutMs: 10_000,
    requestTimeoutMs: 20_000,
    /** Milliseconds that a connection is kept between two requests. */
    keepAliveMs: 30_000,
    /** Milliseconds in which a client must have taken an answer. */
    writeStallMs: 10_000,
    /** Milliseconds that the time of a WS-UsernameToken may differ from ours, either way. */
    clockSkewMs: 5 * 60_000,
    /**
     * Nonces of accepted tokens of all devices that are remembered for that long; beyond it the oldest is forgotten. It takes 63
     * devices that are each asked three times a second.
     */
    nonces: 64 * 1024,
    /** Answers of HTTP Digest that are remembered while their nonce is good; beyond it clients get a new nonce earlier. */
    digestResponses: 8 * 1024,
    /**
     * Milliseconds in which the client that used a nonce first may use it for other messages, and how many those may be: 64 to each
     * of 63 devices.
     */
    nonceRepeatMs: 2_000,
    nonceMessages: 64 * 63,
    /** Characters of a user name, nonce, digest or time in a WS-UsernameToken. */
    tokenCharacters: 512,
    /** Characters of an operation, and of a reason that repeats it, in the log; the longest operation of ONVIF has 47. */
    loggedCharacters: 200,
    /** Wrong passwords of an address before it has to wait, and the milliseconds of the first and of the longest wait. */
    failedLogins: 5,
    firstWaitMs: 1_000,
    longestWaitMs: 60_000,
    /** Milliseconds without a wrong password after which an address starts anew. */
    forgiveMs: 15 * 60_000,
    /** Addresses whose wrong passwords are counted; beyond it the one that failed longest ago is forgotten. */
    failingAddresses: 1024,
  },
  http: {
    /** Bytes of a request line with its headers, and of a body: no request has more than a few words. */
    headBytes: 16 * 1024,
    bodyBytes: 16 * 1024,
    /** Bytes of a configuration: 1008 cameras with paths of 30 characters are 150 KiB, with rules of their own 300 KiB. */
    configBytes: 1024 * 1024,
    /** Brackets and braces that open in it: every one costs the YAML parser. A camera needs two or three. */
    configBrackets: 20_000,
    /** Changes of the configuration that wait for the one before. */
    waitingChanges: 16,
    /** Milliseconds that answers on their way get when the port is moved by one of them. */
    moveMs: 1_000,
    /** Connections, and of those from one address. Monitoring holds one or two, a browser six. */
    connections: 128,
    connectionsPerAddress: 48,
    /** Requests of one connection that wait for their answers, which are kept until they are read: browsers ask one by one. */
    requestsAtOnce: 16,
    /** Milliseconds in which TLS and the head of a request must be complete, and the whole request. */
    headTimeoutMs: 10_000,
    requestTimeoutMs: 20_000,
    /** Milliseconds that a connection is kept between two requests: longer than a minute, the longest usual scrape interval. */
    keepAliveMs: 75_000,
    /** Milliseconds in which a client must have taken an answer. */
    writeStallMs: 10_000,
    /** Answers of HTTP Digest that are remembered while their nonce is good; beyond it clients get a new nonce earlier. */
    digestResponses: 8 * 1024,
    /** Clients that follow events live; bytes that may wait for one that does not read; milliseconds between signs of life. */
    eventClients: 32,
    eventBytes: 1024 * 1024,
    eventPingMs: 15_000,
    /** Milliseconds for which one overview serves all pages: they show it every second. */
    overviewMs: 1_000,
    /** Milliseconds in which five lines of one kind are written to the log, and the rest counted. */
    logWindowMs: 10_000,
    /** Events, or connections, in one answer. */
    itemsPerAnswer: 1_000,
    /** Milliseconds without a sign of life after which a thread counts as hung, and the server as not ready. */
    hungThreadMs: 10_000,
  },
  access: {
    /** Users, and API tokens, that the state folder keeps: each is looked through in turn. */
    users: 256,
    tokens: 256,
    /** Bytes of the file of either: some 400 for each entry. */
    fileBytes: 1024 * 1024,
    /** Characters of a password: short ones are guessed (NIST SP 800-63B), long ones only cost time. */
    shortestPassword: 12,
    longestPassword: 256,
    /** Characters of what a token is said to be for. */
    labelCharacters: 64,
    /** Sessions of browsers, and of those of one user; the one that was used longest ago gives way. */
    sessions: 512,
    sessionsPerUser: 32,
    /** Characters of a Cookie or Authorization header that are looked at, and cookies of our name in one. */
    cookieCharacters: 8 * 1024,
    cookiesPerRequest: 4,
    /** Passwords that are hashed at once, some 0.3 s of a core each, and those that wait for it: 3 s for the last. */
    hashesAtOnce: 1,
    hashesWaiting: 8,
    /** Bytes of memory for one hash, whatever a file says: four times what new ones take. */
    hashMemoryBytes: 128 * 1024 * 1024,
    /** Wrong passwords for one name, from wherever, before others than those who logged in there lately have to wait. */
    failedLoginsPerName: 10,
    /** Addresses from which somebody logged in, that are remembered. */
    knownPlaces: 1024,
    /** Milliseconds between looks for sessions and tokens whose time has passed. */
    sweepMs: 15_000,
  },
  preview: {
    /** Viewers of live previews, and of those of one camera: for an operator's eyes, recorders use RTSP. */
    viewers: 32,
    viewersPerCamera: 8,
    /** Bytes that wait for a viewer before frames are left out, some seconds of video; and at which they go on. */
    queuedBytes: 4 * 1024 * 1024,
    resumeBytes: 256 * 1024,
    /** Bytes on their way from a consumer to the main thread, which tells what it took: it is busy where there are as many. */
    underWayBytes: 8 * 1024 * 1024,
    /** Bytes of a message of a viewer, who has nothing to say. */
    messageBytes: 1024,
    /** Bytes that a viewer may send in a second, of whatever kind: a flood of empty frames costs much of the main thread. */
    bytesPerSecond: 4 * 1024,
    /** Milliseconds from one word about the time to the next, and from one sign of life. */
    clockMs: 1_000,
    pingMs: 15_000,
  },
  onvifEvents: {
    /** Pull points of one ONVIF device. XProtect has one, its tools another; what is left is for those that crashed. */
    subscriptions: 32,
    /** Messages of one camera that wait in one pull point: 16 starts and stops between two pulls. */
    messagesPerCamera: 32,
    /** Messages in one answer, some 700 bytes each. */
    messagesPerAnswer: 128,
    /** Milliseconds that one pull may wait. ONVIF wants at least a minute. */
    pullTimeoutMs: 5 * 60_000,
    /** Milliseconds that a pull point lives without a pull, if the client asks for nothing, and at most. */
    lifetimeMs: 60_000,
    longestLifetimeMs: 60 * 60_000,
    /** Characters of a filter's topic expression, and of a time. */
    expressionCharacters: 2048,
    timeCharacters: 64,
  },
  discovery: {
    /** Bytes of a datagram that is looked at. Probes of clients are below 2 KiB. */
    datagramBytes: 8 * 1024,
    /** Characters of a message id, which comes back in every answer. */
    messageIdCharacters: 256,
    /** Datagrams per second, and at once, that are parsed at all: one of the largest takes some milliseconds. */
    messagesPerSecond: 100,
    messagesAtOnce: 200,
    /** Types, and scopes, that a probe may ask for. */
    conditions: 32,
    /** Answered probes per second, and at once, of one source; a client sends one or two and waits. */
    probesPerSecondPerSource: 2,
    probesAtOncePerSource: 5,
    /** Answered probes per second, and at once, of all sources: each has one answer of 1.5 KiB for each ONVIF device. */
    probesPerSecond: 10,
    probesAtOnce: 20,
    /** Sources that are counted apart; the one that was quiet longest is forgotten. */
    sources: 256,
    /** Messages that are remembered, and for how many milliseconds: clients send each of theirs several times. */
    rememberedMessages: 256,
    rememberedMs: 5_000,
    /** Messages that wait for their time: 63 ONVIF devices answer some probes at once, or are announced everywhere. */
    waitingMessages: 2_048,
    /** Addresses of this machine on which devices are announced. */
    addresses: 32,
    /** Milliseconds between looks for network interfaces that came up. */
    interfaceCheckMs: 30_000,
  },
  publishAuth: {
    /** Characters of the query that a publisher sends, and its parameters. A token of RS512 with some claims has 1000. */
    queryCharacters: 8 * 1024,
    parameters: 32,
    /** Characters of a JSON Web Token, and paths that one may name. */
    tokenCharacters: 4 * 1024,
    tokenPaths: 64,
    /** Public keys that one is compared with where it names none, some 0.1 ms each: whoever signs it has two or three at a time. */
    tokenKeys: 16,
    /** Stream keys of all cameras and of one; those that were withdrawn and are remembered for a running server. */
    keys: 10_000,
    keysPerCamera: 32,
    withdrawals: 1_000,
    /** Characters of what a key is called, and of a secret that a person thought up: long, for it can be guessed. */
    labelCharacters: 64,
    secretCharacters: 256,
    shortestSecret: 16,
    /** Bytes of the file of keys (some 250 each), and of a file with secrets or public keys. */
    keyFileBytes: 8 * 1024 * 1024,
    secretFileBytes: 256 * 1024,
    /** Slow hashes at the same time, 40 ms and 16 MiB each, and publishers that wait for one. */
    slowHashes: { parallel: 2, waiting: 16 },
    /** Credentials for one use that are remembered; beyond it further ones are refused until some have ended. */
    usedCredentials: 65_536,
    /** HTTP callbacks at the same time, and publishers that wait for theirs. */
    callbacks: { parallel: 16, waiting: 256 },
    /** Answers of the callback that are remembered, and for how many milliseconds: an encoder that is refused tries twice a second. */
    callbackAnswers: 4_096,
    callbackAcceptedMs: 5_000,
    callbackRefusedMs: 5_000,
    /** Bytes of the callback's answer, which nobody reads, and of a key server's. */
    callbackBytes: 64 * 1024,
    jwksBytes: 256 * 1024,
    /** Public keys of a key server. */
    jwksKeys: 100,
    /** Milliseconds that the key server gets, that its keys are new, and that they serve where they cannot be renewed. */
    jwksTimeoutMs: 3_000,
    jwksFreshMs: 10 * 60_000,
    jwksStaleMs: 60 * 60_000,
    /** Milliseconds between two questions to the key server: tokens with invented keys must not make more. */
    jwksPauseMs: 30_000,
    /** Milliseconds for the whole decision, and how long before the publish timeout it must be there. */
    decisionMs: 8_000,
    decisionSpareMs: 300,
  },
  card: {
    /**
     * Bytes of encoded offline cards that a consumer keeps: 19 kB for each camera with a short name and URL, 60 kB with a name of 64
     * characters and a long URL, so enough for all cameras of a server. With less each would be encoded again and again.
     */
    storeBytes: 64 * 1024 * 1024,
    /** Milliseconds between steps of encoding, of a millisecond or so: more would be felt by the readers of live cameras. A card takes some 20. */
    stepEveryMs: 5,
  },
  load: {
    /** Bits per second that a new publisher is taken for until it is measured: 1080p at 30 frames a second. */
    assumedBitsPerSecond: 4_500_000,
    /** Milliseconds until then: an encoder takes a second or two to its first frame, a measurement another two. */
    measuredAfterMs: 4_000,
    /**
     * Bits per second that a connection counts beside its own. Measured: 30 frames a second cost a worker as much as 3 to 10
     * Mbit/s do over RTMP, or 1 to 2 over RTMPS. With this, bits and processor time are both spread to within a quarter or so.
     */
    connectionBitsPerSecond: 2_000_000,
    /** Milliseconds between two looks at the load of all threads. */
    sampleMs: 500,
    /** Milliseconds that a thread's look at its timer is late from which on it has stood still; one that is only busy is less late. */
    standstillMs: 500,
    /** Looks on end at which a thread is silent until it is replaced. Ten seconds: nothing of ours takes that long, and encoders give up soon. */
    hungSamples: 20,
  },
  overload: {
    /** Part of its time that a thread works at least, or milliseconds that it is late on average, when it has no room for more. */
    fullBusy: 0.98,
    fullDelayMs: 250,
    /** Milliseconds for which that must last: longer than a thousand publishers need to come all at once. */
    fullAfterMs: 4_000,
    /** Both must be below these, for that long, until it has room again. */
    calmBusy: 0.9,
    calmDelayMs: 100,
    calmAfterMs: 2_000,
  },
} as const;
