import type { Camera } from '../../src/control/messages.ts';

/** A camera as a server on its defaults has it; `changes` replace what matters to a test. */
export function testCamera(changes: Partial<Camera> = {}): Camera {
  const index = changes.index ?? 0;
  const path = changes.path ?? `/stream${index + 1}`;
  const name = `Stream ${index + 1}`;
  const channel = index + 1;
  return { index, name, path, rtspPath: path, listener: '1935', hardware: 0, channel, offlineInfo: true, ...changes };
}
