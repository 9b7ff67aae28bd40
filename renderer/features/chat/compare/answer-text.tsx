import { memo, useMemo, useState, type ReactNode } from 'react';
import { createBlockStream, joinCode, splitBlocks, type Block, type BlockStream } from '../markdown/block-stream.ts';
import { MarkdownBlock } from '../markdown/markdown-block.tsx';
import { putMarks, withoutMarks } from '../markdown/markdown-plugins.ts';
import { sizeOf } from '../messages/figures.ts';
import { COLLAPSED_CHARACTERS, shownLength } from '../messages/message-rows.ts';
import { decideMark } from './comparison-words.ts';

/** Blocks of a text that grows: finished ones keep their identity. */
function useBlocks(text: string, growing: boolean): { readonly blocks: readonly Block[]; readonly definitions: ReadonlyMap<string, string> } {
  const [held] = useState<{ stream: BlockStream; fed: string }>(() => ({ stream: createBlockStream(), fed: '' }));
  return useMemo(() => {
    if (!growing) return splitBlocks(text);
    if (!text.startsWith(held.fed)) held.stream = createBlockStream();
    held.fed = text;
    held.stream.feed(text);
    const open = held.stream.open();
    return { blocks: open === null ? [...held.stream.done()] : [...held.stream.done(), open], definitions: held.stream.definitions() };
  }, [text, growing, held]);
}

/** An answer in a column. `partAt`: the character at which it parts from another; its words there are marked. */
export const AnswerText = memo(function AnswerText({ text, growing, partAt }: { readonly text: string; readonly growing: boolean; readonly partAt: number | null }): ReactNode {
  const [whole, setWhole] = useState(false);
  const plain = withoutMarks(text);
  const shown = plain.slice(0, growing ? plain.length : shownLength(plain.length, whole));
  const mark = partAt === null || growing ? null : decideMark(shown, partAt);
  const { blocks, definitions } = useBlocks(mark === null ? shown : putMarks(shown, mark.from, mark.to), growing);
  return (
    <div className="body" dir="auto">
      {blocks.map((block, at) => <MarkdownBlock key={block.start} block={block} definitions={definitions} growing={growing && at === blocks.length - 1} {...(block.place === 'first' ? { copyText: () => joinCode(blocks, at) } : {})} />)}
      {growing && <span className="caret" aria-hidden="true" />}
      {shown.length < plain.length && <p className="more"><button type="button" className="linklike" onClick={() => setWhole(true)}>Show all ({sizeOf(plain.length)})</button> <span className="q">the first {sizeOf(COLLAPSED_CHARACTERS)} are shown</span></p>}
    </div>
  );
});
