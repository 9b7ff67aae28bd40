// guard: eslint/@typescript-eslint/switch-exhaustiveness-check
export function word(state: 'on' | 'off'): string {
  switch (state) {
    case 'on':
      return 'On';
  }
  return '';
}
