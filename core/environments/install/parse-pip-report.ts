import { z } from 'zod';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { normaliseName } from './parse-wheel-name.ts';

/** The parts of pip's installation report (format version 1) that are used. */
const report = z.object({
  install: z.array(z.object({
    download_info: z.object({ url: z.string().max(8192) }),
    requested: z.boolean().default(false),
    metadata: z.object({ name: z.string().regex(/^[A-Za-z0-9._-]{1,200}$/), version: z.string().regex(/^[A-Za-z0-9.!+_-]{1,100}$/), requires_dist: z.array(z.string()).max(5000).default([]) }),
  })).max(5000),
});

export interface PipReportItem {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  readonly requested: boolean;
  readonly requirements: readonly string[];
}

/** What pip would install. @throws ProblemError `upgrade.tool_failed` when it is no such report. */
export function parsePipReport(text: string): PipReportItem[] {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw problemError('upgrade.tool_failed', { tool: 'pip', how: 'a report that is no JSON', detail: String(error) }, { cause: error });
  }
  const parsed = report.safeParse(data);
  if (!parsed.success) throw problemError('upgrade.tool_failed', { tool: 'pip', how: 'a report of an unknown form', detail: parsed.error.issues[0]?.message ?? '' });
  return parsed.data.install.map((item) => ({ name: normaliseName(item.metadata.name), version: item.metadata.version, url: item.download_info.url, requested: item.requested, requirements: item.metadata.requires_dist }));
}
