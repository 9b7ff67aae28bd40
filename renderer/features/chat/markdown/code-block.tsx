import { useEffect, useState, type ReactNode } from 'react';
import { writeClipboard } from '../../../ui/copy-line.tsx';
import { Icon } from '../../../ui/icons.tsx';
import { splitMarks } from './markdown-plugins.ts';

/** How long the button says that it was done, ms. */
const SAID_MS = 2000;

export interface CodeBlockProps {
  readonly text: string;
  readonly language: string | null;
  readonly place?: 'only' | 'first' | 'middle' | 'last';
  /** All of it, where only a piece is drawn here. */
  readonly copyText?: () => string;
}

/** Code as it was written, with its language and a button that copies all of it. */
export function CodeBlock({ text, language, place = 'only', copyText }: CodeBlockProps): ReactNode {
  const named = place === 'only' || place === 'first';
  return (
    <div className={`code ${place}`}>
      {named && (
        <div className="codehead">
          <span>{language ?? 'text'}</span>
          <CopyButton what="the code" text={copyText ?? (() => text)} />
        </div>
      )}
      <pre tabIndex={0} aria-label={language === null ? 'Code' : `Code, ${language}`}>
        <code>{splitMarks(text).map((piece, i) => (i % 2 === 1 ? <mark key={i}>{piece}</mark> : piece))}</code>
      </pre>
    </div>
  );
}

/** Copies what `text` gives; says so for two seconds, to a screen reader too. */
export function CopyButton({ what, text, word = 'Copy' }: { readonly what: string; readonly text: () => string | Promise<string>; readonly word?: string }): ReactNode {
  const [said, setSaid] = useState<'copied' | 'refused' | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => setSaid((await writeClipboard(await text())) ? 'copied' : 'refused');
  return (
    <button type="button" className="act" title={`Copy ${what}`} aria-label={said === 'copied' ? `Copied ${what}` : `Copy ${what}`} aria-live="polite" onClick={() => void copy()}>
      <Icon name={said === 'copied' ? 'ok' : 'copy'} small />
      {said === 'copied' ? 'Copied' : said === 'refused' ? 'Select it' : word}
    </button>
  );
}
