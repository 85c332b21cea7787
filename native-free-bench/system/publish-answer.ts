/** What a server says to a client that wants to publish: bytes in, the next step out. */
import { serverHelloLength } from './rtmp-dialogue.ts';

/**
 * `waiting` for more; `greeted`: the server's hello is complete, once, and it is time for the commands; `publishing`: it takes
 * the stream; `refused`: it does not, see {@link PublishAnswer.refusal}.
 */
export type PublishStep = 'waiting' | 'greeted' | 'publishing' | 'refused';

/** These count in any message: `_error` to connect, `onFCPublish`, `onStatus`. Half a code has nothing behind it. */
const refusals =
  /(?:NetStream\.Publish\.(?:Bad\w*|Denied|Rejected|Failed)|NetConnection\.Connect\.(?:Rejected|InvalidApp|Failed))(?=\W)/;
/**
 * `onFCPublish` has the same code, but says only that the name was heard: the permission is in an `onStatus`, with no other
 * command between.
 */
const permission = /onStatus(?:(?!onFCPublish|_result|_error).)*?NetStream\.Publish\.Start/s;

const nothing = Buffer.alloc(0);

/** One connection's answer, from the first byte of the server on. */
export class PublishAnswer {
  #bytes = nothing;
  #greeted = false;
  #refusal = '';

  /** The code that refused, '' while there is none. */
  get refusal(): string {
    return this.#refusal;
  }

  /** Takes what has come; the bytes may be used again afterwards. Not to be called after `publishing` or `refused`. */
  receive(bytes: Uint8Array): PublishStep {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    if (!this.#greeted) {
      if (this.#bytes.length < serverHelloLength) return 'waiting';
      this.#greeted = true;
      this.#bytes = this.#bytes.subarray(serverHelloLength);
      return 'greeted';
    }
    const text = this.#bytes.toString('latin1');
    this.#refusal = refusals.exec(text)?.[0] ?? '';
    if (this.#refusal !== '') return 'refused';
    return permission.test(text) ? 'publishing' : 'waiting';
  }
}
