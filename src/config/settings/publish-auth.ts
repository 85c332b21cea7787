import { z } from 'zod';
import { boolean, complete, duration, list, optionalPath, type Setting, text } from '../setting.ts';

/** Signatures with a public key; `none` and the HS family cannot be chosen. */
const algorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const algorithmsAllowed = `some of ${algorithms.join(', ')}`;

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Settings: who may publish, beyond who knows the path. A camera of the file may have `publish-auth` of its own. */
export const publishAuthSettings = {
  publishAuth: boolean({
    flag: 'publish-auth',
    default: false,
    applies: 'live',
    group: 'Publish authentication',
    text: 'Ask publishers for a stream key, a signed URL, a token, or a program of yours; off, whoever knows the path may publish, as with the RTMP Push Driver. See docs/publish-authentication.md.',
  }),
  publishSignSecretFile: optionalPath({
    flag: 'publish-sign-secret-file',
    default: null,
    sample: '/etc/skyweir/sign-secret',
    applies: 'live',
    group: 'Publish authentication',
    text: 'File whose first line is the secret that publish URLs are signed with, at least 32 characters; a second line is another that is good too, while they are exchanged.',
  }),
  publishJwks: urlOrFile({
    flag: 'publish-jwks',
    sample: 'https://login.example/.well-known/jwks.json',
    allowed:
      'the path of a file, or an https:// URL (http:// only of this machine) without user name, query and fragment',
    text: 'Public keys that the tokens (JWT) of publishers are signed with: a JSON Web Key Set in a file, or at an https:// URL.',
    isUrl: (raw) => /^https?:/i.test(raw),
    accepts: (url) => url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname)),
  }),
  publishJwtAlgorithms: list({
    flag: 'publish-jwt-algorithms',
    default: ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256'],
    entry: z.enum(algorithms, algorithmsAllowed) as unknown as z.ZodType<string>,
    allowed: algorithmsAllowed,
    applies: 'live',
    group: 'Publish authentication',
    text: 'Signature algorithms that tokens of publishers may use.',
  }),
  publishJwtIssuer: claim(
    'publish-jwt-issuer',
    'https://login.example',
    'The claim `iss` that tokens of publishers must have.',
  ),
  publishJwtAudience: claim('publish-jwt-audience', 'skyweir', 'The claim `aud` that tokens of publishers must have.'),
  publishCallback: urlOrFile({
    flag: 'publish-callback',
    sample: 'https://flights.example/may-publish',
    allowed: 'an http:// or https:// URL without user name, query and fragment',
    text: 'URL that is asked with POST whether somebody may publish: 2xx is yes, 4xx is no, anything else is "not now".',
    isUrl: () => true,
    accepts: (url) => url.protocol === 'https:' || url.protocol === 'http:',
  }),
  publishCallbackTimeoutMs: duration({
    flag: 'publish-callback-timeout',
    default: 2_000,
    minMs: 100,
    maxMs: 5_000,
    applies: 'live',
    group: 'Publish authentication',
    text: 'What that URL gets to answer in; after it the publisher is refused for the moment.',
  }),
  publishCallbackSecretFile: optionalPath({
    flag: 'publish-callback-secret-file',
    default: null,
    sample: '/etc/skyweir/callback-secret',
    applies: 'live',
    group: 'Publish authentication',
    text: 'File whose first line is a secret, at least 32 characters, that the questions to that URL are signed with.',
  }),
  publishClockSkewMs: duration({
    flag: 'publish-clock-skew',
    default: 30_000,
    minMs: 0,
    maxMs: 600_000,
    applies: 'live',
    group: 'Publish authentication',
    text: 'What the clocks of whoever signs URLs and tokens may be wrong by.',
  }),
  publishSingleUse: boolean({
    flag: 'publish-single-use',
    default: false,
    applies: 'live',
    group: 'Publish authentication',
    text: 'Take each signed URL and each token once only. An encoder that lost its connection then needs a new one.',
  }),
} as const;

/** The exact value of a claim; empty takes any. */
function claim(flag: string, sample: string, meaning: string): Setting<string> {
  return text({
    flag,
    default: () => '',
    defaultText: 'any',
    sample,
    pattern: /^[^\p{Cc}]{0,256}$/u,
    allowed: 'at most 256 characters',
    applies: 'live',
    group: 'Publish authentication',
    text: meaning,
  });
}

/** A URL that holds no secret, since it is shown, or a file. */
function urlOrFile(about: {
  readonly flag: string;
  readonly sample: string;
  readonly allowed: string;
  readonly text: string;
  readonly isUrl: (raw: string) => boolean;
  readonly accepts: (url: URL) => boolean;
}): Setting<string | null> {
  const { allowed, isUrl, accepts } = about;
  const isGood = (raw: string): boolean => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (raw === '' || /[\u0000-\u001f\u007f]/.test(raw)) return false;
    if (!isUrl(raw)) return true;
    if (!URL.canParse(raw) || /[?#]/.test(raw)) return false;
    const url = new URL(raw);
    return url.username === '' && url.password === '' && accepts(url);
  };
  return complete<string | null>(
    {
      flag: about.flag,
      default: null,
      defaultText: 'none',
      sample: about.sample,
      applies: 'live',
      group: 'Publish authentication',
      text: about.text,
    },
    {
      kind: 'text',
      valueName: '<url>',
      schema: z.union([z.string().refine(isGood, allowed), z.null()], allowed),
      allowed,
      range: '',
      format: (value) => value,
    },
  );
}
