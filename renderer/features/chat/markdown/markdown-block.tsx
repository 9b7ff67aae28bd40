import { memo, useLayoutEffect, type ReactElement, type ReactNode } from 'react';
import Markdown, { type Components } from 'react-markdown';
import rehypeSanitize from 'rehype-sanitize';
import remarkGfm from 'remark-gfm';
import { BlockBoundary } from './block-boundary.tsx';
import { withDefinitions, type Block } from './block-stream.ts';
import { CodeBlock } from './code-block.tsx';
import { isPlainParagraph, isSafeMarkdown } from './decide-safe.ts';
import { ExternalLink } from './external-link.tsx';
import { answerSchema, keepParser, keptParser, markWords, plainNodes, splitMarks } from './markdown-plugins.ts';

/** Elements whose look or behaviour is ours. Headings stand below those of the page. */
const components: Components = {
  a: ({ href, children }) => <ExternalLink href={href}>{children}</ExternalLink>,
  img: () => null,
  pre: ({ children }) => <>{children}</>,
  code: ({ className, children }) => {
    const parts: readonly unknown[] = Array.isArray(children) ? children : [children];
    const last = parts.at(-1);
    // A block of code ends its last line, code in a line has none.
    if (className === undefined && !(typeof last === 'string' && last.endsWith('\n'))) return <code>{children}</code>;
    if (!parts.every((p) => typeof p === 'string')) return <pre className="code only"><code>{children}</code></pre>;
    return <CodeBlock text={parts.join('').replace(/\n$/, '')} language={className?.replace(/^language-/, '').slice(0, 40) ?? null} />;
  },
  table: ({ children }) => <div className="tscroll" tabIndex={0} role="region" aria-label="Table"><table>{children}</table></div>,
  input: ({ checked }) => <input type="checkbox" checked={checked === true} disabled aria-label={checked === true ? 'done' : 'open'} readOnly />,
  h1: ({ children }) => <h4 className="h1">{children}</h4>,
  h2: ({ children }) => <h4 className="h2">{children}</h4>,
  h3: ({ children }) => <h5>{children}</h5>,
  h4: ({ children }) => <h5>{children}</h5>,
  h5: ({ children }) => <h6>{children}</h6>,
};
type Plugins = NonNullable<Parameters<typeof Markdown>[0]['remarkPlugins']>;
const firstPlugins: Plugins = [remarkGfm, keepParser, plainNodes];
const laterPlugins: Plugins = [keptParser, plainNodes];
let begun = false;
const rehypePlugins: Plugins = [[rehypeSanitize, answerSchema], markWords];

/** What was drawn for a finished block: scrolling back parses nothing again. */
const drawn = new WeakMap<Block, { readonly source: string; readonly element: ReactElement }>();

/** Parses Markdown, or shows it as written where that would cost too much or fails. */
function drawMarkdown(source: string): ReactElement {
  if (isPlainParagraph(source)) return <p>{source}</p>;
  if (!isSafeMarkdown(source)) return <AsWritten text={source} />;
  try {
    const remarkPlugins = begun ? laterPlugins : firstPlugins;
    begun = true;
    return Markdown({ children: source, remarkPlugins, rehypePlugins, components });
  } catch {
    return <AsWritten text={source} />;
  }
}

function AsWritten({ text }: { readonly text: string }): ReactNode {
  return <p className="asis">{splitMarks(text).map((piece, i) => (i % 2 === 1 ? <mark key={i}>{piece}</mark> : piece))}</p>;
}

export interface MarkdownBlockProps {
  readonly block: Block;
  readonly definitions: ReadonlyMap<string, string>;
  /** It still grows: nothing of it is kept. */
  readonly growing?: boolean;
  /** What drawing took, ms; for the block that grows. */
  readonly onDrawn?: (ms: number) => void;
  /** All code of the fence that this is a piece of. */
  readonly copyText?: () => string;
}

/** A block of an answer. */
export const MarkdownBlock = memo(function MarkdownBlock({ block, definitions, growing = false, onDrawn, copyText }: MarkdownBlockProps): ReactNode {
  const since = onDrawn === undefined ? 0 : performance.now();
  useLayoutEffect(() => {
    onDrawn?.(performance.now() - since);
  });
  if (block.kind === 'code') return <CodeBlock text={block.text} language={block.language} place={block.place} {...(copyText ? { copyText } : {})} />;
  const source = withDefinitions(block.text, definitions);
  const kept = drawn.get(block);
  const element = kept?.source === source ? kept.element : drawMarkdown(source);
  if (!growing && kept?.element !== element) drawn.set(block, { source, element });
  return <BlockBoundary text={block.text}>{element}</BlockBoundary>;
});
