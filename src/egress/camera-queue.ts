/** Cameras that wait for their turn, first come first served, each of them once. Nothing is allocated after the constructor. */
export class CameraQueue {
  readonly #cameras: Int32Array;
  readonly #isWaiting: Uint8Array;
  #first = 0;
  #length = 0;

  /** For cameras from 0 to `cameras` - 1. */
  constructor(cameras: number) {
    this.#cameras = new Int32Array(cameras);
    this.#isWaiting = new Uint8Array(cameras);
  }

  get length(): number {
    return this.#length;
  }

  /** Puts a camera at the end; nothing if it waits already. */
  add(camera: number): void {
    if (this.#isWaiting[camera] === 1) return;
    this.#isWaiting[camera] = 1;
    let at = this.#first + this.#length;
    if (at >= this.#cameras.length) at -= this.#cameras.length;
    this.#cameras[at] = camera;
    this.#length++;
  }

  /** Takes the first camera out. There must be one. */
  take(): number {
    const camera = this.#cameras[this.#first]!;
    this.#first++;
    if (this.#first === this.#cameras.length) this.#first = 0;
    this.#length--;
    this.#isWaiting[camera] = 0;
    return camera;
  }
}
