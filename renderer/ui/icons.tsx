import type { ReactNode } from 'react';

/** The drawing of each icon: stroked paths on a 12 or 16 px box, `solid` where it is filled. */
const icons = {
  monitor: { size: 16, outline: 'M1.5 8.5h3l2-5 3 9 2-4h3', solid: '' },
  env: { size: 16, outline: 'M2 2.5h12v11H2zM2 6.2h12M2 9.8h12M6 2.5v11', solid: '' },
  opt: { size: 16, outline: 'M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M9 2.5h4v4H9zM3 9.5h4v4H3z', solid: '' },
  bench: { size: 16, outline: 'M2 3.5h11M2 8h6M2 12.5h9', solid: '' },
  chat: { size: 16, outline: 'M2 2.5h12v8.5H7l-3 2.8V11H2z', solid: '' },
  model: { size: 16, outline: 'M8 1.5l5.7 3.2v6.6L8 14.5l-5.7-3.2V4.7zM2.3 4.7L8 8l5.7-3.3M8 8v6.5', solid: '' },
  train: { size: 16, outline: 'M2 1.5v12.5h12M4 3.5c1 6 4 7.5 9.5 8', solid: '' },
  bell: { size: 16, outline: 'M3 11.5h10c-1-1.2-1.2-2-1.2-5a3.8 3.8 0 0 0-7.6 0c0 3-.2 3.8-1.2 5zM6.5 13.8h3', solid: '' },
  gear: { size: 16, outline: 'M8 5.5a2.5 2.5 0 1 0 .01 0M8 1.5v2M8 12.5v2M1.5 8h2M12.5 8h2M3.4 3.4l1.4 1.4M11.2 11.2l1.4 1.4M12.6 3.4l-1.4 1.4M4.8 11.2l-1.4 1.4', solid: '' },
  search: { size: 16, outline: 'M7 2.5a4.5 4.5 0 1 0 .01 0M10.3 10.3L14 14', solid: '' },
  theme: { size: 16, outline: 'M8 2.5a5.5 5.5 0 1 0 .01 0z', solid: 'M8 2.5a5.5 5.5 0 0 1 0 11z' },
  ok: { size: 12, outline: 'M2 6.3l2.7 2.7L10 3.2', solid: '' },
  warn: { size: 12, outline: 'M6 1.3L11.2 10.7H.8zM6 4.6v2.8M6 8.9v.2', solid: '' },
  bad: { size: 12, outline: 'M3.8 1.2h4.4l2.6 2.6v4.4l-2.6 2.6H3.8L1.2 8.2V3.8zM4.2 4.2l3.6 3.6M7.8 4.2L4.2 7.8', solid: '' },
  unk: { size: 12, outline: 'M4 4.3a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1.1M6 9.4v.2', solid: '' },
  none: { size: 12, outline: 'M2.5 6h7', solid: '' },
  run: { size: 12, outline: 'M6 1.5a4.5 4.5 0 1 0 4.5 4.5', solid: '' },
  ring: { size: 12, outline: 'M6 2a4 4 0 1 0 .01 0', solid: '' },
  pause: { size: 16, outline: 'M5.5 3.5v9M10.5 3.5v9', solid: '' },
  x: { size: 16, outline: 'M4 4l8 8M12 4l-8 8', solid: '' },
  down: { size: 12, outline: 'M3 4.5L6 7.5 9 4.5', solid: '' },
  stop: { size: 16, outline: '', solid: 'M4.5 4.5h7v7h-7z' },
  send: { size: 16, outline: 'M8 13V3M4 7l4-4 4 4', solid: '' },
  cols: { size: 16, outline: 'M2 3h12v10H2zM6.5 3v10M10.5 3v10', solid: '' },
  copy: { size: 16, outline: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3', solid: '' },
  play: { size: 16, outline: 'M5 3.5l7 4.5-7 4.5z', solid: '' },
  info: { size: 12, outline: 'M6 1.5a4.5 4.5 0 1 0 .01 0M6 5.3v3.2M6 3.4v.2', solid: '' },
  history: { size: 16, outline: 'M3 8a5 5 0 1 0 1.5-3.5M2.5 2.5v2.5H5M8 5v3l2 2', solid: '' },
  key: { size: 16, outline: 'M5.5 7.5a3 3 0 1 0 .01 0M7.7 8.3L13.5 2.5M11 5l2 2', solid: '' },
  save: { size: 16, outline: 'M8 2.5v7.5M4.5 7L8 10.5 11.5 7M2.5 13.5h11', solid: '' },
} as const;
export type IconName = keyof typeof icons;

export interface IconProps {
  readonly name: IconName;
  /** 12 px instead of 16. */
  readonly small?: boolean;
  readonly className?: string;
  /** Spoken; without it the icon is decoration beside a word. */
  readonly label?: string;
}

export function Icon({ name, small = false, className = '', label }: IconProps): ReactNode {
  const { size, outline, solid } = icons[name];
  return (
    <svg className={`i${small ? ' s' : ''}${className ? ` ${className}` : ''}`} viewBox={`0 0 ${size} ${size}`} {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}>
      {outline && <path d={outline} />}
      {solid && <path d={solid} fill="currentColor" stroke="none" />}
    </svg>
  );
}
