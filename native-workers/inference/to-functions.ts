import type { ChatModelFunctions, GbnfJsonSchema } from 'node-llama-cpp';
import type { ToolDefinition } from '../../contract/inference.ts';
import { toGrammarSchema } from './grammar-schema.ts';

/** Tools as the library has them. Without properties a tool has no parameters. */
export function toFunctions(tools: readonly ToolDefinition[]): ChatModelFunctions {
  return Object.fromEntries(
    tools.map((tool) => {
      const properties = tool.parameters?.['properties'];
      const has = typeof properties === 'object' && properties !== null && Object.keys(properties).length > 0;
      return [tool.name, { ...(tool.description === null ? {} : { description: tool.description }), ...(has && tool.parameters !== null ? { params: toGrammarSchema(tool.parameters, 'lenient') as GbnfJsonSchema } : {}) }];
    }),
  );
}
