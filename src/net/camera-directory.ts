import type { Camera } from '../control/messages.ts';

/** Cameras by the path that readers ask for, in any case. */
export class CameraDirectory {
  readonly #capacity: number;
  #byPath: ReadonlyMap<string, Camera> = new Map();

  /** `capacity`: cameras that the shared memory has room for; those with a higher index are not found. */
  constructor(cameras: readonly Camera[], capacity: number) {
    this.#capacity = capacity;
    this.replace(cameras);
  }

  replace(cameras: readonly Camera[]): void {
    const served = cameras.filter((camera) => camera.index < this.#capacity);
    this.#byPath = new Map(served.map((camera) => [camera.rtspPath.toLowerCase(), camera]));
  }

  /** The camera of a decoded path with a leading slash, null when there is none. */
  find(path: string): Camera | null {
    return this.#byPath.get(path.toLowerCase()) ?? null;
  }
}
