import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { EventType } from '../base/event-types.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import { type HookEntry, hookName } from '../config/hook-list.ts';
import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import type { HookSecrets } from '../hooks/hook.ts';
import type { CameraPlace, HookEvent } from '../hooks/hook-event.ts';
import type { EventRecord } from '../status/event-record.ts';
import type { HookFacts, HookSource, HookTrial } from '../status/hook-facts.ts';
import { readVersion } from '../version.ts';
import { DeadLetters } from './dead-letters.ts';
import type { EventHistory } from './event-history.ts';
import type { RunningHook } from './running-hook.ts';
import { readSecrets, readText } from './secret-file.ts';

/** What {@link Hooks} are made with. */
export interface HooksOptions {
  readonly history: EventHistory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The cameras of now, for trials. */
  readonly cameras: () => readonly Camera[];
}

/** A change of the hooks, once everything that can fail has been done. */
export interface HooksChange {
  /** Puts it in force. */
  commit(): void;
}

/** The hooks of the configuration: each is told of the events that it wants, in the background. */
export class Hooks implements HookSource {
  readonly #options: HooksOptions;
  #hooks: readonly RunningHook[] = [];
  #config: Config | null = null;
  #letters: DeadLetters | null = null;

  constructor(options: HooksOptions) {
    this.#options = options;
    options.history.onAdded((record) => this.#onEvent(record));
  }

  /** Reads what the hooks of a configuration need. Throws {@link StartError} if a file cannot be used. */
  async prepare(config: Config): Promise<HooksChange> {
    const wanted = await Promise.all(config.hooks.map(async (entry) => ({ entry, secrets: await secretsOf(entry) })));
    // Loaded only where it is wanted.
    const parts = wanted.length === 0 ? null : await loadParts();
    return {
      commit: () => {
        const { clock, logger } = this.#options;
        this.#config = config;
        this.#letters ??= new DeadLetters(join(config.stateDir, 'hooks-dead-letters.jsonl'), clock, logger);
        const before = new Map(this.#hooks.map((running) => [keyOf(running.hook), running]));
        this.#hooks = wanted.map(({ entry, secrets }) => {
          const { Hook, RunningHook, createHookSender } = parts!;
          const hook = new Hook(entry, secrets);
          const sender = createHookSender({
            url: hook.url,
            timeoutMs: hook.timeoutMs,
            ca: hook.ca,
            userAgent: `Skyweir/${readVersion()}`,
            judge: (answer) => hook.judge(answer, clock.wallMs()),
          });
          const known = before.get(keyOf(hook));
          before.delete(keyOf(hook));
          known?.replace(hook, sender);
          const dead: RunningHookParts['dead'] = (name, letters) => this.#letters?.add(name, letters);
          return known ?? new RunningHook(hook, sender, { clock, logger, dead, random: Math.random });
        });
        for (const gone of before.values()) gone.close('removed');
      },
    };
  }

  hooks(): readonly HookFacts[] {
    return this.#hooks.map((hook) => hook.facts());
  }

  async testHook(index: number, type: EventType | 'test'): Promise<HookTrial | 'busy' | null> {
    const running = this.#hooks[index];
    if (running === undefined) return null;
    const ofServer = type === 'overloaded' || type === 'relieved' || type === 'listener_failed';
    const camera = ofServer ? null : (this.#options.cameras()[0] ?? null);
    const record = {
      camera,
      publisher: null,
      wallMs: this.#options.clock.wallMs(),
      reason: null,
      detail: { text: 'a trial that an operator asked for' },
    };
    return running.test({ id: `test-${randomUUID()}`, type, record }, this.#placeOf(camera));
  }

  /** Gives what waits a moment to be delivered, at most until `endMs` (monotonic), then writes down what was not. */
  async stop(endMs: number): Promise<void> {
    if (this.#hooks.length === 0) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const leftMs = Math.min(limits.hooks.stopMs, endMs - this.#options.clock.nowMs());
    const timer = setTimeout(resolve, Math.max(0, leftMs)).unref();
    // What cannot be reached now will not be in a second.
    const reachable = this.#hooks.filter((hook) => hook.facts().reachable);
    await Promise.race([late, Promise.all(reachable.map((hook) => hook.drained()))]);
    clearTimeout(timer);
    for (const hook of this.#hooks) hook.close('stopped');
    await this.#letters?.flushed();
  }

  #onEvent({ number, type, ...record }: EventRecord): void {
    if (this.#hooks.length === 0) return;
    const event: HookEvent = { id: `${this.#options.history.epoch}-${number}`, type, record };
    const place = this.#placeOf(record.camera);
    for (const hook of this.#hooks) {
      try {
        hook.add(event, place);
      } catch (error) {
        // Whoever told the event goes on, whatever is wrong here.
        this.#options.logger.error({ err: error, hook: hook.hook.name }, 'internal error in a hook; please report it');
      }
    }
  }

  #placeOf(camera: Camera | null): CameraPlace | null {
    if (camera === null) return null;
    const hardware = this.#config?.hardwareList[camera.hardware];
    const { name = '', onvifPort = 0 } = hardware ?? {};
    return { hardware: name, onvifPort, channel: camera.channel - 1 };
  }
}

type RunningHookParts = ConstructorParameters<typeof RunningHook>[2];

async function loadParts() {
  const [{ Hook }, { RunningHook }, { createHookSender }] = await Promise.all([
    import('../hooks/hook.ts'),
    import('./running-hook.ts'),
    import('../net/hook-delivery.ts'),
  ]);
  return { Hook, RunningHook, createHookSender };
}

/** What a hook is recognised by when the configuration changes. */
function keyOf({ name, type }: { readonly name: string; readonly type: string }): string {
  return `${type} ${name.toLowerCase()}`;
}

/** Reads the files that a hook names. Throws {@link StartError} if one cannot be used. */
export async function secretsOf(entry: HookEntry): Promise<HookSecrets> {
  const { 'secret-file': secretFile = null, 'ca-file': caFile = null } = entry;
  const who = `hook ${hookName(entry)}`;
  const secrets = await readSecrets(`${who}: secret-file`, secretFile, 1);
  const ca = caFile === null ? null : await readText(`${who}: ca-file`, caFile);
  if (ca !== null && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new StartError(`${who}: ca-file ${caFile}: holds no certificate in PEM form`);
  return { secret: secrets?.[0] ?? null, ca };
}
