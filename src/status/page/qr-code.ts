import { useMemo } from 'preact/hooks';
import { encode } from 'uqr';
import { html } from './html.ts';

/** Modules of white around the code: what the standard asks for (ISO/IEC 18004, 6.3.8). */
const quietZone = 4;

/** A text as a QR code, black on white in every theme, because many cameras read nothing else. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => drawCode(text), [text]);
  return html`
    <svg class="qr" role="img" aria-label=${label} viewBox=${`0 0 ${size} ${size}`} shape-rendering="crispEdges">
      <rect width=${size} height=${size} fill="#fff" />
      <path d=${path} fill="#000" />
    </svg>
  `;
}

function drawCode(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: quietZone });
  let path = '';
  for (const [y, row] of data.entries()) {
    for (const [x, isBlack] of row.entries()) if (isBlack) path += `M${x} ${y}h1v1h-1z`;
  }
  return { size, path };
}
