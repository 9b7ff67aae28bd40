import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** One `primary` a view; `bare` has no border. */
  readonly look?: 'normal' | 'primary' | 'bare';
  readonly small?: boolean;
  readonly icon?: IconName;
  /** Only the icon shows; `label` is spoken and shown on hover. */
  readonly label?: string;
  readonly children?: ReactNode;
}

export function Button({ look = 'normal', small = false, icon, label, children, className = '', ...rest }: ButtonProps): ReactNode {
  const iconOnly = icon !== undefined && children === undefined;
  const classes = ['btn', look === 'normal' ? '' : look, small ? 's' : '', iconOnly ? 'icon' : '', className].filter(Boolean).join(' ');
  return (
    <button type="button" className={classes} title={label} aria-label={iconOnly ? label : undefined} {...rest}>
      {icon && <Icon name={icon} small={small || !iconOnly} />}
      {children}
    </button>
  );
}
