import { useState } from 'preact/hooks';
import { ApiError, change } from './api.ts';
import { html } from './html.ts';
import type { CameraView } from './snapshot.ts';

/** Ends the connection of a camera's publisher, after a second question. */
export function KickButton({ camera }: { camera: CameraView }) {
  const [step, setStep] = useState<'idle' | 'asking' | 'doing'>('idle');
  const [answer, setAnswer] = useState('');
  const kick = async () => {
    setStep('doing');
    try {
      await change('POST', `/api/v1/streams/${camera.index}/kick`);
      setAnswer('Disconnected. It may come back by itself.');
    } catch (error) {
      setAnswer(error instanceof ApiError ? `That failed: ${error.message}` : 'That failed.');
    }
    setStep('idle');
  };
  if (step === 'idle')
    return html`
      <div class="kick">
        <button type="button" class="danger" disabled=${camera.live === null} onClick=${() => setStep('asking')}>Disconnect the source</button>
        <span role="status">${answer}</span>
      </div>
    `;
  return html`
    <div class="kick" role="alertdialog" aria-label="Disconnect the source?" onKeyDown=${(event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      setStep('idle');
    }}>
      <span>Disconnect ${camera.live?.publisher ?? ''} from ${camera.name}?</span>
      <button type="button" class="danger" disabled=${step === 'doing'} onClick=${kick} ref=${focus}>Disconnect</button>
      <button type="button" onClick=${() => setStep('idle')}>Cancel</button>
    </div>
  `;
}

/** Once, when the button appears. */
function focus(button: HTMLButtonElement | null): void {
  button?.focus();
}
