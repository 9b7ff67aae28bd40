import { getEventIteratorSchemaDetails, isContractProcedure, type AnySchema, type ContractProcedure, type ErrorMap } from '@orpc/contract';
import { z } from 'zod';
import { api, type OperationMeta } from '../../contract/api.ts';
import { findNearMatch } from './near-match.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';

/** One operation of the contract, as data. */
export interface Operation {
  /** Dotted: `gpus.list`. */
  readonly name: string;
  readonly summary: string;
  readonly effect: 'read' | 'write' | 'destructive';
  readonly stream: 'gauge' | 'log' | null;
  readonly input: z.ZodType | null;
  /** Of the answer, or of each item of a stream. */
  readonly output: z.ZodType | null;
}

const asZod = (schema: unknown): z.ZodType | null => (schema instanceof z.ZodType ? schema : null);

/** All operations, in the contract's order. */
export function listOperations(): readonly Operation[] {
  return Object.entries(api).flatMap(([area, operations]) =>
    Object.entries(operations).flatMap(([name, procedure]): readonly Operation[] => {
      if (!isContractProcedure(procedure)) return [];
      const definition = procedure['~orpc'] as ContractProcedure<AnySchema, AnySchema, ErrorMap, OperationMeta>['~orpc'];
      const { meta } = definition;
      const stream = getEventIteratorSchemaDetails(definition.outputSchema);
      return [{
        name: `${area}.${name}`, summary: definition.route.summary ?? '', effect: meta.effect ?? 'read', stream: stream ? (meta.stream ?? 'gauge') : null,
        input: asZod(definition.inputSchema), output: asZod(stream ? stream.yields : definition.outputSchema),
      }];
    }),
  );
}

/** @throws ProblemError `input.unknown_operation`, naming what was probably meant */
export function findOperation(name: string): Operation {
  const all = listOperations();
  const found = all.find((o) => o.name === name);
  if (found) return found;
  const near = findNearMatch(name, all.map((o) => o.name));
  const problem = makeProblem('input.unknown_operation', { operation: name });
  throw new ProblemError(near === null ? problem : { ...problem, remedy: `Did you mean "${near}"? ${problem.remedy}` });
}

/** A schema as JSON Schema (2020-12); null where there is none or it has no JSON form. */
export function toSchema(schema: z.ZodType | null, side: 'input' | 'output'): unknown {
  return schema === null ? null : z.toJSONSchema(schema, { io: side, unrepresentable: 'any' });
}
