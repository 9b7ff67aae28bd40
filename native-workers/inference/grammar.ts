import type { GbnfJsonSchema, Llama, LlamaGrammar } from 'node-llama-cpp';
import { problemError } from '../../contract/problem-catalogue.ts';
import { toGrammarSchema } from './grammar-schema.ts';

/** What llama.cpp's parser is given at most: schemas of a few kilobytes come to a few times that. */
const MAX_GRAMMAR_CHARACTERS = 1_000_000;

/** The grammar of one request; null: it asks for none. @throws ProblemError `generate.schema` */
export async function makeGrammar(llama: Llama, wish: { readonly jsonSchema: Readonly<Record<string, unknown>> | null; readonly grammar: string | null }, said: () => string | null): Promise<LlamaGrammar | null> {
  if (wish.jsonSchema === null && wish.grammar === null) return null;
  try {
    if (wish.grammar !== null) return await llama.createGrammar({ grammar: wish.grammar });
    const made = await llama.createGrammarForJsonSchema<GbnfJsonSchema>(toGrammarSchema(wish.jsonSchema ?? {}, 'strict') as GbnfJsonSchema);
    if (made.grammar.length > MAX_GRAMMAR_CHARACTERS) throw problemError('generate.schema', { detail: 'The schema is too large.' });
    return made;
  } catch (error) {
    if (error instanceof Error && error.name === 'ProblemError') throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw problemError('generate.schema', { detail: said() ?? message }, { cause: error, chain: [message] });
  }
}
