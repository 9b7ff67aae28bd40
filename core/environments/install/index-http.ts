import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { connect, rootCertificates } from 'node:tls';
import type { IndexAccess } from './install-tool.ts';

export interface IndexAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** There was more than was asked for. */
  readonly cut: boolean;
}
export interface IndexQuestion {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 4;

/**
 * One GET through the user's proxy, with the user's certificates and the credentials that stand in a URL of the same
 * host. Only for what the tools do not tell: sizes, and why an index does not serve.
 */
export async function askIndex(question: IndexQuestion, access: IndexAccess): Promise<IndexAnswer> {
  let url = new URL(question.url);
  for (let hop = 0; ; hop += 1) {
    const answer = await askOnce(url, question, access);
    const location = answer.headers['location'];
    if (answer.status < 300 || answer.status >= 400 || typeof location !== 'string' || hop >= MAX_REDIRECTS) return answer;
    url = new URL(location, url);
  }
}

async function askOnce(url: URL, question: IndexQuestion, access: IndexAccess): Promise<IndexAnswer> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`${url.protocol} is not a web address`);
  const secure = url.protocol === 'https:';
  const env = access.env;
  const proxyEnv = Object.fromEntries(['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const agent = secure ? new HttpsAgent({ proxyEnv, ...(await certificates(env)) }) : new HttpAgent({ proxyEnv });
  const auth = credentialsFor(url, access);
  const headers = { 'user-agent': 'warpdeck', ...question.headers, ...(auth === null ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` }) };
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  try {
    return await new Promise<IndexAnswer>((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(bare, { agent, headers, signal: AbortSignal.any([question.signal, AbortSignal.timeout(question.timeoutMs)]) }, (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const settle = (cut: boolean): void => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).subarray(0, question.maxBytes), cut }); };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size <= question.maxBytes) return;
          settle(true);
          response.destroy();
        });
        response.on('end', () => { settle(false); });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end();
    });
  } finally {
    agent.destroy();
  }
}

async function certificates(env: Readonly<Record<string, string>>): Promise<{ readonly ca?: string[] }> {
  const path = env['SSL_CERT_FILE'] ?? env['PIP_CERT'] ?? env['REQUESTS_CA_BUNDLE'] ?? env['CURL_CA_BUNDLE'];
  const own = path === undefined ? null : await readFile(path, 'utf8').catch(() => null);
  return own === null ? {} : { ca: [...rootCertificates, own] };
}

/** User information of the URL itself, or of a variable's URL with the same host. */
function credentialsFor(url: URL, access: IndexAccess): string | null {
  const texts = [url.href, access.torchIndexUrl, access.packageIndexUrl ?? '', ...Object.values(access.env)];
  for (const found of texts.flatMap((text) => text.match(/https?:\/\/[^\s/@]+@[^\s]+/g) ?? [])) {
    if (!URL.canParse(found)) continue;
    const other = new URL(found);
    if (other.host === url.host && other.username !== '') return `${decodeURIComponent(other.username)}:${decodeURIComponent(other.password)}`;
  }
  return null;
}

/** Who signed the certificate that a server shows, without trusting it: the name of an intercepting proxy. */
export async function readCertificateIssuer(url: string, timeoutMs: number): Promise<string | null> {
  const at = new URL(url);
  if (at.protocol !== 'https:') return null;
  return new Promise((resolve) => {
    // Nothing is sent over it: only the handshake is looked at.
    const socket = connect({ host: at.hostname, port: at.port === '' ? 443 : Number(at.port), ...(isIP(at.hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: at.hostname } : {}), rejectUnauthorized: false, timeout: timeoutMs }, () => {
      const issuer = socket.getPeerCertificate().issuer as Partial<Record<string, string>> | undefined;
      resolve(issuer?.['CN'] ?? issuer?.['O'] ?? null);
      socket.destroy();
    });
    const fail = (): void => {
      resolve(null);
      socket.destroy();
    };
    socket.once('error', fail).once('timeout', fail);
  });
}
