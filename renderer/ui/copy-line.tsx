import { useEffect, useState, type ReactNode } from 'react';
import { Button } from './button.tsx';

/** How long the button says that it was done, ms. */
const SAID_MS = 2000;

/** A command that can be copied. */
export function CopyLine({ command, what = 'the command' }: { readonly command: string; readonly what?: string }): ReactNode {
  const [said, setSaid] = useState<'copied' | 'refused' | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div className="copy">
      <code>{command}</code>
      <Button look="bare" small icon={said === 'copied' ? 'ok' : 'copy'} title={`Copy ${what}`} onClick={() => void writeClipboard(command).then((ok) => setSaid(ok ? 'copied' : 'refused'))}>
        {said === 'copied' ? 'Copied' : said === 'refused' ? 'Select it' : 'Copy'}
      </Button>
      <span className="sr" role="status">{said === 'copied' ? `Copied ${what}` : ''}</span>
    </div>
  );
}

/** Puts text on the clipboard; false where the browser refuses (then it can be selected by hand). */
export async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
