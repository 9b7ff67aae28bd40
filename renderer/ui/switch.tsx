import type { ReactNode } from 'react';

export interface SwitchProps {
  readonly label: string;
  readonly on: boolean;
  readonly disabled?: boolean;
  readonly describedBy?: string;
  onChange(on: boolean): void;
}

export function Switch({ label, on, disabled = false, describedBy, onChange }: SwitchProps): ReactNode {
  return <button type="button" className="sw" role="switch" aria-checked={on} aria-label={label} aria-describedby={describedBy} disabled={disabled} onClick={() => onChange(!on)} />;
}
