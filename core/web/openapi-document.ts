import { OpenAPIGenerator } from '@orpc/openapi';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import { api } from '../../contract/api.ts';
import { VERSION } from '../system/version.ts';

/** The OpenAPI 3.1 document of the contract, for `/openapi.json` and the golden file. */
export async function makeOpenApiDocument(): Promise<unknown> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] });
  return generator.generate(api, {
    info: { title: 'Warpdeck', version: VERSION, description: 'Everything that can be asked of a Warpdeck engine.' },
    servers: [{ url: '/api' }],
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  });
}
