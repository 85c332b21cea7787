import { createHash } from 'node:crypto';
import {
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
} from 'jose';
import { limits } from '../base/limits.ts';
import { KeysUnavailable } from './jwks-cache.ts';
import { type MethodVerdict, type PublishCamera, refused } from './verdict.ts';

/**
 * Algorithms that may be allowed: signatures with a public key. `none` and the HS family are not among them, so a public key can
 * never be used as the secret of an HMAC.
 */
export const tokenAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;

/** What tokens are checked against. */
export interface TokenOptions {
  readonly keyFor: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
  /** What `iss` and `aud` must be; '' takes any. */
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds that the clocks of issuer and server may differ. */
  readonly skewMs: number;
  readonly singleUse: boolean;
}

/** Checks a JSON Web Token (RFC 7519). `exp` must be there, and `path` or `paths` must name the camera. */
export async function checkToken(
  options: TokenOptions,
  token: string,
  camera: PublishCamera | null,
  wallMs: number,
): Promise<MethodVerdict> {
  if (token.length > limits.publishAuth.tokenCharacters) return refused('credential_wrong', 'the token is too long');
  const { keyFor, algorithms, issuer, audience, skewMs, singleUse } = options;
  let payload: JWTPayload;
  try {
    const verified = await verify(token, keyFor, {
      algorithms: [...algorithms],
      ...(issuer !== '' && { issuer }),
      ...(audience !== '' && { audience }),
      clockTolerance: skewMs / 1000,
      currentDate: new Date(wallMs),
      requiredClaims: ['exp'],
    });
    payload = verified.payload;
  } catch (error) {
    return refusalOf(error);
  }
  if (camera === null || !namesPath(payload, camera.path))
    return refused('credential_wrong', 'the token does not name the path');
  const exp = payload.exp!;
  const detail = `token${payload.sub === undefined ? '' : ` of ${shortened(payload.sub)}`}`;
  if (!singleUse) return { type: 'accepted', detail };
  // `exp` may have a fraction, and is compared with the clock in whole seconds: the token is good until the next of them.
  const untilMs = Math.ceil((exp * 1000 + skewMs) / 1000) * 1000;
  return { type: 'accepted', detail, once: { id: identity(token, payload), untilMs } };
}

/** A token need not name its key, and two keys may have one name: then each that fits is tried (RFC 7515, appendix D). */
async function verify(token: string, keyFor: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, keyFor, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    let left = limits.publishAuth.tokenKeys;
    for await (const key of error) {
      if (left-- === 0) break;
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        // Of the key: another one may fit. What is wrong with a token whose signature fits is the answer.
        const isOfKey = failure instanceof errors.JWSSignatureVerificationFailed || isKeyUnusable(failure);
        if (!isOfKey) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** The library has errors of its own for what is wrong with a token; what fails beyond them is the import or use of a key. */
function isKeyUnusable(error: unknown): boolean {
  return (
    error instanceof errors.JWKSInvalid || error instanceof errors.JWKInvalid || !(error instanceof errors.JOSEError)
  );
}

/**
 * What a token is known again by: its `jti`, else all that is signed. Not its whole text, for a signature can often be written in
 * another way that is just as good.
 */
function identity(token: string, { jti, iss = '' }: JWTPayload): string {
  if (typeof jti === 'string' && jti !== '') return `jti ${sha256(`${iss}\n${jti}`)}`;
  return `jwt ${sha256(token.slice(0, token.lastIndexOf('.')))}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** `path` names one path, `paths` several; `/gate/*` is all below `/gate`. Upper and lower case are the same. */
function namesPath({ path, paths }: JWTPayload, wanted: string): boolean {
  const named: unknown[] = [path, ...(Array.isArray(paths) ? paths.slice(0, limits.publishAuth.tokenPaths) : [])];
  const plain = wanted.toLowerCase();
  return named.some((claim) => {
    if (typeof claim !== 'string') return false;
    const allowed = `/${claim.toLowerCase().replace(/^\//, '')}`;
    return allowed.endsWith('/*') ? plain.startsWith(allowed.slice(0, -1)) : plain === allowed;
  });
}

function refusalOf(error: unknown): MethodVerdict {
  if (error instanceof KeysUnavailable) return refused('credential_unavailable', error.message);
  // The names of claims are fixed; their values, which the error holds too, are not repeated.
  if (error instanceof errors.JWTExpired) return refused('credential_expired', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf' && error.reason === 'check_failed')
      return refused('credential_early', 'the token is not valid yet');
    return refused('credential_wrong', `the claim ${shortened(error.claim)} of the token is missing or wrong`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return refused('credential_wrong', 'the algorithm of the token is not allowed');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return refused('credential_wrong', 'the signature of the token does not fit');
  if (error instanceof errors.JWKSNoMatchingKey)
    return refused('credential_wrong', 'there is no key such as the token names');
  if (isKeyUnusable(error))
    return refused(
      'credential_wrong',
      'the key that the token names cannot be used; it must be a public one, and RSA has 2048 bits or more',
    );
  return refused('credential_wrong', 'the token is no valid JWT');
}

/** Text of somebody else's for the log. */
function shortened(text: unknown): string {
  return typeof text === 'string' ? text.slice(0, limits.publishAuth.labelCharacters) : '?';
}
