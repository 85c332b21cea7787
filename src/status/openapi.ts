import type { JsonSchema } from './json-schema.ts';
import { problemMediaType } from './problem.ts';
import { roleOf, type StatusRoute } from './route.ts';
import { problemSchema } from './schemas.ts';

/** The OpenAPI 3.1 document of the routes. */
export function openApi(routes: readonly StatusRoute[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Skyweir', version, license: { name: 'MIT', identifier: 'MIT' } },
    security: [{ session: [] }, { token: [] }, { basic: [] }, { digest: [] }],
    paths,
    components: {
      schemas: { Problem: problemSchema },
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: '__Host-skyweir',
          description: 'From POST /api/v1/login; without TLS the name is skyweir',
        },
        token: { type: 'http', scheme: 'bearer', description: 'From POST /api/v1/tokens' },
        basic: { type: 'http', scheme: 'basic' },
        digest: { type: 'http', scheme: 'digest' },
      },
      responses: {
        Problem: {
          description: 'Any other status: what is wrong with the request (RFC 9457)',
          content: { [problemMediaType]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operation(route: StatusRoute): Record<string, unknown> {
  const { summary, open = false, answers } = route;
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...parametersOf(route.headers, 'header'),
  ];
  const responses = Object.entries(answers).map(([status, form]) => {
    if ('mediaType' in form) {
      const schema = { type: form.mediaType === 'application/json' ? 'object' : 'string' };
      return [status, { description: form.text, content: { [form.mediaType]: { schema } } }];
    }
    if (!('schema' in form)) return [status, { description: form.text }];
    const isProblem = form.schema === problemSchema;
    const schema = isProblem ? { $ref: '#/components/schemas/Problem' } : form.schema;
    const mediaType = isProblem ? problemMediaType : 'application/json';
    return [status, { description: form.text, content: { [mediaType]: { schema } } }];
  });
  return {
    operationId: operationId(route),
    summary,
    ...(open && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: route.body },
          ...(route.bodyText !== undefined && { [route.bodyText]: { schema: { type: 'string' } } }),
        },
      },
    }),
    ...(!open && { 'x-role': roleOf(route) }),
    responses: { ...Object.fromEntries(responses), default: { $ref: '#/components/responses/Problem' } },
  };
}

function parametersOf(schema: JsonSchema | undefined, place: 'path' | 'query' | 'header'): object[] {
  const properties = (schema?.['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).map(([name, { description, ...own }]) => {
    return { name, in: place, required: place === 'path', description, schema: own };
  });
}

/** `get-api-v1-streams-index`. */
function operationId({ method, path }: StatusRoute): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return [method.toLowerCase(), ...words].join('-');
}
