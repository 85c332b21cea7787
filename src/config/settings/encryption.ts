import { hardwareSettings } from '../hardware-settings.ts';
import { integer, optionalPath } from '../setting.ts';

/** Settings: the certificate, and where TLS is spoken. */
export const encryptionSettings = {
  tls: hardwareSettings.tls,
  rtmpsPort: integer({
    flag: 'rtmps-port',
    valueName: '<port>',
    default: 0,
    defaultText: '0 (off)',
    sample: 0,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Encryption',
    text: 'A second TCP port, for RTMPS beside RTMP: the RTMP port then stays unencrypted. 0 is none.',
  }),
  tlsPfx: optionalPath({
    flag: 'tls-pfx',
    default: 'rtmp.pfx',
    defaultText: '`rtmp.pfx` in the working directory',
    applies: 'live',
    group: 'Encryption',
    text: 'PKCS#12 file (.pfx, .p12) with certificate, chain and private key. A new one is taken while streams run.',
  }),
  tlsPasswordFile: optionalPath({
    flag: 'tls-password-file',
    default: null,
    defaultText: 'none: `SKYWEIR_TLS_PASSWORD`, else no password',
    sample: '/etc/skyweir/tls-password',
    applies: 'live',
    group: 'Encryption',
    text: 'File whose first line is the password of the PKCS#12 file or of the private key.',
  }),
  tlsCert: optionalPath({
    flag: 'tls-cert',
    default: null,
    sample: '/etc/skyweir/fullchain.pem',
    applies: 'live',
    group: 'Encryption',
    text: 'PEM file with the certificate and its chain, the own certificate first; with `--tls-key` in place of a PKCS#12 file.',
  }),
  tlsKey: optionalPath({
    flag: 'tls-key',
    default: null,
    sample: '/etc/skyweir/privkey.pem',
    applies: 'live',
    group: 'Encryption',
    text: 'PEM file with the private key of `--tls-cert`.',
  }),
} as const;
