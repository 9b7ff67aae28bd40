import { z } from 'zod';
import { normaliseName } from './parse-wheel-name.ts';

const record = z.object({ name: z.string(), version: z.string(), build: z.string().optional(), build_string: z.string().optional(), channel: z.string().optional(), size: z.number().nullish() });
/** What conda, mamba and micromamba print with `--dry-run --json`; all three use the same words. */
const answer = z.object({
  success: z.boolean().optional(),
  actions: z.object({ FETCH: z.array(record).default([]), LINK: z.array(record).default([]), UNLINK: z.array(record).default([]) }).optional(),
  error: z.string().optional(), message: z.string().optional(), exception_name: z.string().optional(), solver_problems: z.array(z.string()).optional(), caused_by: z.string().optional(),
});

export interface CondaPackage { readonly name: string; readonly version: string; readonly build: string; readonly channel: string; readonly bytes: number | null }
export interface CondaPlan {
  readonly link: readonly CondaPackage[];
  readonly unlink: readonly CondaPackage[];
  readonly fetch: readonly CondaPackage[];
}
export type CondaAnswer = { readonly kind: 'plan'; readonly plan: CondaPlan } | { readonly kind: 'error'; readonly name: string; readonly text: string } | { readonly kind: 'unknown' };

/** The JSON document in what was printed: solvers may write a line before it. */
export function parseCondaAnswer(output: string): CondaAnswer {
  const from = output.indexOf('{');
  const to = output.lastIndexOf('}');
  if (from < 0 || to < from) return { kind: 'unknown' };
  let data: unknown;
  try {
    data = JSON.parse(output.slice(from, to + 1));
  } catch {
    return { kind: 'unknown' };
  }
  const parsed = answer.safeParse(data);
  if (!parsed.success) return { kind: 'unknown' };
  const { actions, success } = parsed.data;
  const trouble = parsed.data.message ?? parsed.data.error ?? parsed.data.solver_problems?.join('; ');
  if (success === false || (trouble !== undefined && actions === undefined)) {
    return { kind: 'error', name: parsed.data.exception_name ?? '', text: [trouble ?? '', ...(trouble === parsed.data.message ? (parsed.data.solver_problems ?? []) : [])].join('\n').trim() };
  }
  const packages = (list: readonly z.infer<typeof record>[]): CondaPackage[] => list.map((one) => ({ name: normaliseName(one.name), version: one.version, build: one.build_string ?? one.build ?? '', channel: one.channel ?? '', bytes: one.size ?? null }));
  return { kind: 'plan', plan: { link: packages(actions?.LINK ?? []), unlink: packages(actions?.UNLINK ?? []), fetch: packages(actions?.FETCH ?? []) } };
}
