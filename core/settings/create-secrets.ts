import type { SecretStatus } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
export function createSecrets(_options: { path: string; log: Logger }): { list(): Promise<SecretStatus[]>; set(name: string, value: string | null): Promise<SecretStatus> } {
  return { list: async () => [], set: async (name) => ({ name, set: false, where: 'file' }) };
}
