import type { Camera } from '../control/messages.ts';
import { cardFps, idrInterval, type OfflineCard } from '../offline-card/offline-card.ts';
import type { OfflineCards } from './offline-cards.ts';
import type { CardPicture, CardStream } from './offline-source.ts';

const periodMs = 1000 / cardFps;

/** Milliseconds after a stream's end in which no card is shown: publishers that change over or reconnect leave no trace. */
const pauseMs = 1000;

/** Milliseconds that the first picture waits for a card that is being encoded; then it is grey. */
const encodingMs = 500;

/** Milliseconds that a reader which joined a live stream waits for its next keyframe before it gets a card instead. */
const keyframeWaitMs = 5000;

/**
 * The card as one reader sees it: a picture a second, the first one and every tenth an IDR. What the card says may change
 * at any time; the change comes with an IDR.
 */
export class OfflineCardStream implements CardStream {
  readonly #cards: OfflineCards;
  readonly #camera: Camera;
  readonly #host: string;
  /** Counts all pictures of this reader, so that of two IDR pictures in a row one is odd. */
  #step = 0;
  #idrStep = 0;
  /** What the reader's decoder shows; null when it needs an IDR. */
  #shown: OfflineCard | null = null;
  /** What it should show, and the version of the cards that this is of. */
  #wanted: OfflineCard | null = null;
  #version = -1;
  #sinceMs = Number.POSITIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(cards: OfflineCards, camera: Camera, host: string) {
    this.#cards = cards;
    this.#camera = camera;
    this.#host = host;
  }

  restart(nowMs: number, wasLive: boolean): void {
    this.#shown = null;
    this.#wanted = null;
    this.#sinceMs = nowMs;
    this.#dueMs = nowMs + (wasLive ? pauseMs : 0);
  }

  due(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    // A card that is shown goes on until the first keyframe of the publisher.
    if (this.#shown !== null) return true;
    if (!this.#cards.covers(this.#camera.index) && nowMs - this.#sinceMs < keyframeWaitMs) return false;
    return this.#prepared() || nowMs - this.#dueMs >= encodingMs;
  }

  next(nowMs: number): CardPicture {
    // In step with the first picture, unless this one is so late that the next would follow on its heels.
    this.#dueMs = (nowMs - this.#dueMs < periodMs / 2 ? this.#dueMs : nowMs) + periodMs;
    const step = ++this.#step;
    const wanted = this.#present();
    const idrDue = wanted !== this.#shown || step - this.#idrStep >= idrInterval;
    if (idrDue && this.#prepared()) return this.#show(wanted, step);
    // Not encoded yet: grey will do for now.
    if (this.#shown === null) return this.#show(this.#cards.plain, step);
    return { unit: this.#shown.delta(step, this.#idrStep), parameterSets: null };
  }

  #show(card: OfflineCard, step: number): CardPicture {
    this.#shown = card;
    this.#idrStep = step;
    return { unit: card.idr(step), parameterSets: this.#cards.parameters.units };
  }

  /** Whether the card can be shown; if not, it will be some time after this call. */
  #prepared(): boolean {
    const wanted = this.#present();
    if (!wanted.ready) this.#cards.prepare(wanted);
    return wanted.ready;
  }

  #present(): OfflineCard {
    if (this.#wanted === null || this.#version !== this.#cards.version) {
      const card = this.#cards.card(this.#camera, this.#host);
      // Only a card that looks different needs an IDR: a reload must not send one to all readers at once.
      if (card.key !== this.#wanted?.key) this.#wanted = card;
      this.#version = this.#cards.version;
    }
    return this.#wanted;
  }
}
