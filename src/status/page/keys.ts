import { useEffect, useRef } from 'preact/hooks';

export interface Keys {
  readonly search: () => void;
  readonly escape: () => void;
  readonly arrow: (event: KeyboardEvent) => void;
}

/** Keys that work everywhere on the page. */
export function useKeys(keys: Keys): void {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key === 'Escape') newest.current.escape();
      else if (event.key === '/' && !isTyping) {
        event.preventDefault();
        newest.current.search();
      } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') newest.current.arrow(event);
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, []);
}
