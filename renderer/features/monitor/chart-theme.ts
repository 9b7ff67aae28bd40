import { GPU_COLOURS } from '../../ui/device-mark.tsx';

/** The colours that a canvas needs, read from the style sheet once for each change of theme. */
export interface ChartTheme {
  readonly grid: string;
  readonly quiet: string;
  readonly ink: string;
  readonly ink2: string;
  readonly attention: string;
  readonly surface: string;
  readonly line: string;
  readonly cross: string;
  readonly background: string;
  readonly power: string;
  readonly heat: string;
  readonly hardware: string;
  readonly font: string;
  readonly devices: readonly string[];
}

/** Reads the tokens as they count now. */
export function readChartTheme(root: Element): ChartTheme {
  const style = getComputedStyle(root);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    grid: read('--grid'), quiet: read('--ink-3'), ink: read('--ink'), ink2: read('--ink-2'), attention: read('--attention'), surface: read('--surface'),
    line: read('--line'), cross: read('--cross'), background: read('--bg'), power: read('--thr-power'), heat: read('--thr-heat'), hardware: read('--thr-hw'),
    font: read('--font-ui'),
    devices: Array.from({ length: GPU_COLOURS }, (_, i) => read(`--gpu-${i}`)),
  };
}

/** Calls when the theme changes, by the user or by the system. Returns the remover. */
export function watchTheme(root: Element, onChange: () => void): () => void {
  const observer = new MutationObserver(onChange);
  observer.observe(root, { attributes: true, attributeFilter: ['data-theme', 'class'] });
  const system = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: light)') : null;
  system?.addEventListener('change', onChange);
  return () => {
    observer.disconnect();
    system?.removeEventListener('change', onChange);
  };
}
