import type { FoundEnvironment } from '../../../contract/environments.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../../contract/problem.ts';
import type { ToolTrouble } from './decide-tool-problem.ts';
import { explainMissingWheel, type WheelSurroundings } from './explain-missing-wheel.ts';
import { askIndex, readCertificateIssuer } from './index-http.ts';
import type { IndexAccess } from './install-tool.ts';
import { normaliseName } from './parse-wheel-name.ts';
import { createRedactor } from './redact-url.ts';
import { requirementName } from './read-installed-packages.ts';

const MAX_PAGE = 16 * 1024 * 1024;
const TIMEOUT_MS = 15_000;

/** The Problem for what a tool said. Where it cannot tell a missing wheel from an index out of reach, the index is asked. */
export async function troubleToProblem(trouble: ToolTrouble, indexUrl: string | null, environment: FoundEnvironment, access: IndexAccess, signal: AbortSignal): Promise<ProblemError> {
  if (trouble.kind === 'problem') {
    const { code, facts, chain } = trouble;
    if (code !== 'upgrade.index_unreachable' || indexUrl === null || !/certificate|issuer|SSL/i.test(String(facts['detail']))) return problemError(code, facts, { chain });
    const issuer = await readCertificateIssuer(indexUrl, TIMEOUT_MS);
    return problemError(code, { ...facts, detail: `${String(facts['detail'])}${issuer === null ? '' : ` Its certificate was issued by "${issuer}".`}` }, { chain });
  }
  const { requirement, words, chain } = trouble;
  if (access.wheelFolder !== null) return problemError('upgrade.no_wheel', { detail: `${words} Only the wheels in ${access.wheelFolder} were looked at.` }, { chain });
  // Without a page to look at, the tool's words have to do.
  if (indexUrl === null || requirement === '') return problemError('upgrade.no_wheel', { detail: words }, { chain });
  const shown = createRedactor(access)(indexUrl);
  const page = `${indexUrl}/${normaliseName(requirementName(requirement))}/`;
  try {
    const answer = await askIndex({ url: page, maxBytes: MAX_PAGE, timeoutMs: TIMEOUT_MS, signal, headers: { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' } }, access);
    const type = String(answer.headers['content-type'] ?? '');
    const found = readFilenames(answer.body.toString('utf8'));
    if (answer.status === 404) return problemError('upgrade.no_wheel', { detail: `${shown} has no ${requirementName(requirement)}.` }, { chain });
    if (answer.status !== 200) return problemError('upgrade.index_unreachable', { index: shown, detail: statusWords(answer.status) }, { chain });
    if (found.length === 0 && !isIndexPage(answer.body.toString('utf8'), type)) {
      return problemError('upgrade.index_unreachable', { index: shown, detail: 'It answers with a web page that is no package index: a sign-in page of the network, or a wrong address.' }, { chain });
    }
    return problemError('upgrade.no_wheel', { detail: explainMissingWheel(requirement, found, wheelSurroundings(environment)) }, { chain });
  } catch (error) {
    signal.throwIfAborted();
    const issuer = /CERT|SELF_SIGNED|ISSUER|VERIFY|SSL|TLS/.test(codeOf(error)) ? await readCertificateIssuer(indexUrl, TIMEOUT_MS) : null;
    // What Node advises about itself after a semicolon is no advice for the user.
    const words = error instanceof Error ? (error.message.split(';')[0] ?? '') || codeOf(error) : String(error);
    const detail = `${words}${issuer === null ? '' : ` Its certificate was issued by "${issuer}".`}`;
    return problemError('upgrade.index_unreachable', { index: shown, detail: createRedactor(access)(detail) }, { chain, cause: error });
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function statusWords(status: number): string {
  if (status === 407) return 'The proxy wants to be signed in to (407). Put its user and password into HTTPS_PROXY.';
  if (status === 401 || status === 403) return `It wants credentials, or refuses them (${status}).`;
  return `It answers with status ${status}.`;
}

/** File names of a page, JSON (PEP 691) or HTML (PEP 503). */
function readFilenames(text: string): string[] {
  const names = [...text.matchAll(/"filename"\s*:\s*"([^"]{1,400})"/g), ...text.matchAll(/href\s*=\s*"([^"#]{1,2000})/g)].slice(0, 20_000).map((match) => match[1] ?? '');
  return [...new Set(names.map(fileOf).filter((name) => /\.(?:whl|tar\.gz|zip)$/.test(name)))];
}
function fileOf(address: string): string {
  try {
    return decodeURIComponent(address.split('?')[0]?.split('/').at(-1) ?? '');
  } catch {
    return '';
  }
}
const isIndexPage = (text: string, type: string): boolean => type.includes('json') || /<a\s[^>]*href/i.test(text) || !/<(?:form|script|h1|input)/i.test(text);

/** What wheels must fit for this environment on this machine. */
export function wheelSurroundings(environment: FoundEnvironment): WheelSurroundings {
  const report = process.platform === 'linux' ? (process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } }) : {};
  return { abi: environment.python.abi, pythonVersion: environment.python.version, platform: process.platform, arch: process.arch, glibc: report.header?.glibcVersionRuntime ?? null };
}
