import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.ts';

/** Milliseconds for which a button says that it has copied. */
const thanksMs = 2000;

/** A text with a button that copies it. */
export function CopyField({ label, text, hint }: { label: string; text: string; hint?: string }) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'failed'>('no');
  const shown = useRef<HTMLElement>(null);
  useEffect(() => {
    if (copied === 'no') return;
    const timer = setTimeout(() => setCopied('no'), thanksMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => setCopied((await copyText(text, shown.current!)) ? 'yes' : 'failed');
  const said = copied === 'yes' ? 'Copied' : copied === 'failed' ? 'Press Ctrl+C' : 'Copy';
  return html`
    <div class="copy-field">
      <span class="label">${label}</span>
      <code ref=${shown}>${text}</code>
      <button type="button" onClick=${copy} aria-label=${copied === 'no' ? `Copy ${label}` : `${label}: ${said}`}>${said}</button>
      ${hint !== undefined && html`<span class="hint">${hint}</span>`}
    </div>
  `;
}

/** The clipboard is there for HTTPS and this machine only; elsewhere the text is selected and copied as by hand. */
async function copyText(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return document.execCommand('copy');
  }
}
