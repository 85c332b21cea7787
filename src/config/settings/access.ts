import { boolean, duration, optionalPath, pathPattern, text } from '../setting.ts';

/** The state folder where neither a setting nor the system names one. */
export const usualStateFolder = '.skyweir';

/** Settings: who may read, and what is kept for that. */
export const accessSettings = {
  auth: boolean({
    flag: 'auth',
    default: true,
    applies: 'restart',
    group: 'Access',
    text: 'Ask readers, recorders and browsers (RTSP, ONVIF, HTTP) for user name and password. Off lets everyone who reaches one of these ports watch every camera. See docs/access.md.',
  }),
  user: text({
    flag: 'user',
    valueName: '<name>',
    default: 'skyweir',
    pattern: /^[^\s:"\\\p{C}]{1,64}$/u,
    allowed: 'a name of 1 to 64 characters without spaces, colons, quotes and backslashes',
    applies: 'restart',
    group: 'Access',
    text: 'User name for RTSP, ONVIF and HTTP.',
  }),
  passwordFile: optionalPath({
    flag: 'password-file',
    default: null,
    defaultText: 'none: `SKYWEIR_PASSWORD`, else a generated password kept in the state folder',
    sample: '/etc/skyweir/password',
    applies: 'restart',
    group: 'Access',
    text: 'File whose first line is the password for RTSP, ONVIF and HTTP.',
  }),
  rtspDigestSha256: boolean({
    flag: 'rtsp-digest-sha256',
    default: false,
    applies: 'restart',
    group: 'Access',
    text: 'Offer SHA-256 beside MD5 for the RTSP password. Off, because some players fail when both are offered.',
  }),
  sessionIdleMs: duration({
    flag: 'session-idle',
    default: 30 * 60_000,
    minMs: 60_000,
    maxMs: 30 * 86_400_000,
    applies: 'restart',
    group: 'Access',
    text: 'A browser that has logged in at the HTTP port and asks nothing for this long has to log in again. A page that is open asks. See docs/access.md.',
  }),
  sessionLifetimeMs: duration({
    flag: 'session-lifetime',
    default: 12 * 3_600_000,
    minMs: 60_000,
    maxMs: 365 * 86_400_000,
    applies: 'restart',
    group: 'Access',
    text: 'The same after this long in any case.',
  }),
  stateDir: text({
    flag: 'state-dir',
    valueName: '<folder>',
    default: ({ stateDirectory }) => stateDirectory ?? usualStateFolder,
    defaultText: '`.skyweir` in the working directory; as a systemd service its state folder',
    sample: '/var/lib/skyweir',
    pattern: pathPattern,
    allowed: 'the path of a folder',
    applies: 'restart',
    group: 'Access',
    text: 'Folder for what must outlive a restart, such as the generated password.',
  }),
} as const;
