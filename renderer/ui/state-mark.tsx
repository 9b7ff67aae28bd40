import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';

export type StateKind = 'fine' | 'attention' | 'problem' | 'unknown' | 'pending';

const icons: Readonly<Record<StateKind, IconName>> = { fine: 'ok', attention: 'warn', problem: 'bad', unknown: 'unk', pending: 'run' };

/** The icon of a state, for places where the word stands elsewhere. */
export function stateIcon(kind: StateKind): IconName {
  return icons[kind];
}

/** Colour and icon and word. */
export function StateMark({ kind, children }: { readonly kind: StateKind; readonly children: ReactNode }): ReactNode {
  return (
    <span className={`st ${kind}`}>
      <Icon name={icons[kind]} />
      {children}
    </span>
  );
}
