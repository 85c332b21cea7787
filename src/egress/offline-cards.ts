import { plainAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { Camera, PublishAddress } from '../control/messages.ts';
import { parameterSetsToAvcc } from '../h264/parameter-sets.ts';
import { type CardFonts, decodeCardFonts } from '../offline-card/card-fonts.ts';
import type { CardContent } from '../offline-card/card-layout.ts';
import { type OfflineCard, OfflineCardStore } from '../offline-card/offline-card.ts';
import { OfflineCardStream } from './offline-card-stream.ts';
import type { OfflineSource } from './offline-source.ts';
import type { ParameterSets } from './parameter-sets.ts';

/** What an {@link OfflineCards} starts with. */
export interface OfflineCardsOptions {
  /** Returns a file of `assets/font` by its name. */
  readonly readFont: (name: string) => Buffer;
  /** Product and version. */
  readonly product: string;
  /** What the listeners are bound to: a name or address, or all addresses. */
  readonly host: string;
  /** By camera index: somebody publishes to it. */
  readonly live: readonly boolean[];
  /** There is something to {@link OfflineCards.encode}. */
  readonly onWork: () => void;
}

/** The cards of all cameras of one thread: what they say now, and which cameras show theirs. */
export class OfflineCards implements OfflineSource {
  readonly parameters: ParameterSets;
  /** Grey and without text: for readers whose card has not been encoded yet. */
  readonly plain: OfflineCard;
  readonly #options: OfflineCardsOptions;
  readonly #fonts: CardFonts;
  readonly #store: OfflineCardStore;
  readonly #live: Uint8Array;
  #version = 0;
  /** What cameras are now, where that is not what they were when a reader came. */
  #cameras = new Map<number, Camera>();
  /** By listener. */
  #publish = new Map<string, PublishAddress>();
  #error: string | null = null;
  /** Cards that are to be encoded, by what they look like, and after them what all have in common. */
  readonly #work = new Map<string, Iterator<void>>();
  #common: Iterator<void> | null = null;

  /** Throws what `readFont` throws, or `RangeError` when a font is not what it should be. */
  constructor(options: OfflineCardsOptions) {
    this.#options = options;
    this.#fonts = decodeCardFonts(options.readFont);
    this.#store = new OfflineCardStore(this.#fonts, { maximumBytes: limits.card.storeBytes });
    this.#live = Uint8Array.from(options.live, (live) => (live ? 1 : 0));
    this.plain = this.#store.card({ variant: 'plain' });
    const { sps, pps } = this.#store;
    // The frame rate is left open: it is the card's, and readers would take it for that of the camera.
    this.parameters = { version: -1, sps: [sps], pps: [pps], units: parameterSetsToAvcc([sps], [pps]), fps: 0 };
  }

  /** Changes whenever cards say something else than before. */
  get version(): number {
    return this.#version;
  }

  /** Bytes of encoded pictures held. */
  get bytes(): number {
    return this.#store.bytes;
  }

  /** A publisher took or left the camera. */
  setLive(camera: number, live: boolean): void {
    this.#live[camera] = live ? 1 : 0;
  }

  /** Where publishers are listened for. */
  setPublishAddresses(addresses: readonly PublishAddress[]): void {
    this.#publish = new Map(addresses.map((address) => [address.listener, address]));
    this.#version++;
  }

  /** Names, paths or wishes of cameras have changed. */
  setCameras(cameras: readonly Camera[]): void {
    this.#cameras = new Map(cameras.map((camera) => [camera.index, camera]));
    this.#version++;
  }

  /** Nobody can publish, for this reason: errors are shown also by cameras that want no information. Every card says so until it is taken back with null. */
  setCardError(reason: string | null): void {
    if (reason === this.#error) return;
    this.#error = reason;
    this.#version++;
  }

  covers(camera: number): boolean {
    return this.#live[camera] !== 1;
  }

  open(camera: Camera, localAddress: string): OfflineCardStream {
    return new OfflineCardStream(this, camera, publishHost(this.#options.host, localAddress));
  }

  /** The present card of a camera. Cheap: what is encoded is shared by all cards of the thread. */
  card(camera: Camera, host: string): OfflineCard {
    return this.#store.card(this.#content(camera, host));
  }

  /** A card is wanted: {@link encode} makes it {@link OfflineCard.ready}. */
  prepare(card: OfflineCard): void {
    if (card.ready || this.#work.has(card.key)) return;
    const isIdle = this.#work.size === 0 && this.#common === null;
    this.#work.set(card.key, card.prepare());
    if (isIdle) this.#options.onWork();
  }

  /**
   * What cards have in common is wanted, so that the first reader finds it done and the code compiled. To be called before
   * anybody is served: the first step, which draws the antenna, is done at once and takes some 50 ms.
   */
  warmUp(): void {
    this.#common = this.#prepareCommon();
    this.#common.next();
    this.#options.onWork();
  }

  /** Encodes a little of what is wanted, a millisecond or so. False when nothing is left to do. */
  encode(): boolean {
    const [first] = this.#work;
    if (first === undefined) {
      if (this.#common?.next().done) this.#common = null;
    } else {
      const [key, steps] = first;
      if (steps.next().done) this.#work.delete(key);
    }
    return this.#work.size > 0 || this.#common !== null;
  }

  *#prepareCommon(): Generator<void, void> {
    const { product } = this.#options;
    const url = 'rtmp://localhost:1935/stream';
    yield* this.#store.card({ variant: 'offline', name: product, url, product, hint: '' }).prepareAll();
    yield* this.plain.prepareAll();
  }

  #content(camera: Camera, host: string): CardContent {
    const { product } = this.#options;
    const now = this.#cameras.get(camera.index) ?? camera;
    const { name, offlineInfo } = now;
    if (this.#error !== null) return { variant: 'error', name, reason: this.#error, product, hint: '' };
    if (!offlineInfo) return { variant: 'plain' };
    return { variant: 'offline', name, url: this.#url(now, host), product, hint: '' };
  }

  #url({ listener, path }: Camera, host: string): string {
    const address = this.#publish.get(listener);
    if (address === undefined) return '';
    const { scheme, port } = address;
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${encodeURI(path)}`;
  }
}

/**
 * The host to publish to: the one that the listeners are bound to. When that is every address of the machine, it is the one
 * at which the reader reached us, which is at least one that works.
 */
export function publishHost(boundTo: string, localAddress: string): string {
  const wildcard = /^[[\]0:.]*$/.test(boundTo);
  return plainAddress((wildcard ? localAddress : boundTo).replace(/^\[|\]$|%.*$/g, ''));
}
