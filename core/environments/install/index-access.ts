import type { Settings } from '../../../contract/settings.ts';
import type { TorchTarget } from '../../../contract/upgrades.ts';
import type { IndexAccess } from './install-tool.ts';
import { findSecrets, redactUrl } from './redact-url.ts';

export const DEFAULT_TORCH_INDEX = 'https://download.pytorch.org/whl';

/**
 * What reaches pip, uv and conda of the user's own variables: how to get to an index. An allow-list: what changes
 * *where* is installed or *what* (PIP_TARGET, PIP_USER, PIP_CONSTRAINT, UV_PYTHON, UV_TORCH_BACKEND, …) stays out.
 */
const NAMES = new Set([
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'SSL_CLIENT_CERT', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NETRC'],
  ...['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_CERT', 'PIP_CLIENT_CERT', 'PIP_PROXY', 'PIP_TRUSTED_HOST', 'PIP_CONFIG_FILE', 'PIP_KEYRING_PROVIDER', 'PIP_FIND_LINKS', 'PIP_NO_INDEX', 'PIP_CACHE_DIR'],
  ...['UV_INDEX_URL', 'UV_EXTRA_INDEX_URL', 'UV_DEFAULT_INDEX', 'UV_INDEX', 'UV_NATIVE_TLS', 'UV_SYSTEM_CERTS', 'UV_INSECURE_HOST', 'UV_KEYRING_PROVIDER', 'UV_CONFIG_FILE', 'UV_FIND_LINKS', 'UV_CACHE_DIR', 'UV_OFFLINE', 'UV_CREDENTIALS_DIR'],
  ...['CONDA_PKGS_DIRS', 'CONDA_OVERRIDE_CUDA', 'CONDA_OVERRIDE_GLIBC', 'CONDA_SSL_VERIFY', 'CONDA_CHANNEL_ALIAS', 'CONDARC', 'MAMBA_ROOT_PREFIX', 'MAMBARC'],
]);
/** Credentials of named indexes. */
const NAMED_INDEX = /^UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)$/;

/**
 * How this user gets to package indexes: from the environment's variables and the settings. pip.conf and uv.toml are
 * read by the tools themselves. With `secretless`, credentials are taken out of every value (for reports).
 */
export function readIndexAccess(env: NodeJS.ProcessEnv, settings: Settings['environments'], options: { readonly secretless?: boolean } = {}): IndexAccess {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const known = NAMES.has(name) || NAMED_INDEX.test(name) || (/^(?:https?|all|no)_proxy$/.test(name));
    if (value !== undefined && value !== '' && known) kept[name] = value;
  }
  const secrets = options.secretless === true ? findSecrets(kept) : [];
  const clean = (text: string): string => (options.secretless === true ? secrets.reduce((all, secret) => all.replaceAll(secret, '***'), redactUrl(text)) : text);
  return {
    torchIndexUrl: clean(trimSlash(settings.torchIndexUrl ?? DEFAULT_TORCH_INDEX)),
    packageIndexUrl: settings.packageIndexUrl === null ? null : clean(trimSlash(settings.packageIndexUrl)),
    wheelFolder: settings.wheelFolder,
    env: Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, clean(value)])),
  };
}

const trimSlash = (url: string): string => url.replace(/\/+$/, '');

/** The sub-index of a target at the mirror that is set: `https://mirror.example/whl/cu130`. */
export function torchIndexOf(target: Pick<TorchTarget, 'indexUrl' | 'label'>, access: IndexAccess): string {
  const given = trimSlash(target.indexUrl);
  if (given === '' || given === DEFAULT_TORCH_INDEX) return `${access.torchIndexUrl}/${target.label}`;
  return given.startsWith(`${DEFAULT_TORCH_INDEX}/`) ? `${access.torchIndexUrl}${given.slice(DEFAULT_TORCH_INDEX.length)}` : given;
}

/** The sub-index that a version with this local label came from; null where the label names none (`2.4.1`, `+git…`). */
export function torchIndexOfLabel(version: string, access: IndexAccess): string | null {
  const label = /\+((?:cu\d{2,3}|cpu|xpu|rocm[\d.]+))$/.exec(version)?.[1];
  return label === undefined ? null : `${access.torchIndexUrl}/${label}`;
}

/** Where a command of pip or uv looks for packages. */
export interface IndexSources {
  /** PyTorch's sub-index; null: not needed. */
  readonly torch: string | null;
  /** The index of all packages as well: with false, only what PyTorch's own index mirrors can come. */
  readonly packages: boolean;
}

/**
 * Arguments that make a tool look there, and nowhere else than the user set it to.
 *
 * PyTorch's index alone wherever that is enough, as PyTorch documents: it mirrors torch's dependencies. Where other
 * packages are asked for too, both: every installed package is then pinned, and torch's family by its local label, so
 * that no name of one index can be taken from the other by a higher version.
 */
export function indexArguments(tool: 'pip' | 'uv', sources: IndexSources, access: IndexAccess): string[] {
  if (access.wheelFolder !== null) return ['--no-index', '--find-links', access.wheelFolder];
  const base = tool === 'pip' ? '--index-url' : '--default-index';
  const packages = access.packageIndexUrl === null ? [] : [base, access.packageIndexUrl];
  if (sources.torch === null) return packages;
  if (!sources.packages) return [base, sources.torch];
  return tool === 'pip' ? [...packages, '--extra-index-url', sources.torch] : [...packages, '--index', sources.torch, '--index-strategy', 'unsafe-best-match'];
}
