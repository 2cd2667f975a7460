import { elements } from './elements.ts';

/** Keys beside those that the browser gives buttons and fields by itself. */
export function listenToKeys(actions: { toggleMute: () => void }): void {
  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (event.key === 'Escape' && elements.details.open) {
      elements.details.open = false;
      elements.details.querySelector('summary')?.focus();
    }
    if (event.key.toLowerCase() === 'm' && !isTyping(event.target)) actions.toggleMute();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
}
