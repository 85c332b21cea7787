import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fastify } from 'fastify';
import { settingKeys, settings } from '../../../src/config/schema.ts';
import { configRoutes } from '../../../src/status/config-routes.ts';
import type { ConfigSource } from '../../../src/status/config-source.ts';
import { type HardwareSource, hardwareRoutes } from '../../../src/status/hardware-routes.ts';
import type { HookSource } from '../../../src/status/hook-facts.ts';
import { hookRoutes } from '../../../src/status/hook-routes.ts';
import { keyRoutes } from '../../../src/status/key-routes.ts';
import type { KeySource } from '../../../src/status/key-source.ts';
import { openApi } from '../../../src/status/openapi.ts';
import { statusRoutes } from '../../../src/status/routes.ts';
import type { StatusSource } from '../../../src/status/status-source.ts';

const configuration = [...configRoutes({} as ConfigSource), ...hardwareRoutes({} as HardwareSource)];
const routes = statusRoutes({ version: '1.2.3' } as StatusSource, 'run', [
  ...configuration,
  ...hookRoutes({} as HookSource),
  ...keyRoutes({} as KeySource),
]);
const document = openApi(routes, '1.2.3') as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};

interface Content {
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
  readonly 'x-role'?: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
}

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe('the OpenAPI document', () => {
  test('has every route and nothing else', () => {
    assert.equal(document.openapi, '3.1.0');
    assert.deepEqual(
      operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`).sort(),
      routes.map(({ path, method }) => `${method} ${path}`).sort(),
    );
  });

  test('names every parameter of a path, and only the health needs no login', () => {
    for (const { path, operation } of operations) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = (operation.parameters ?? []).filter(({ in: place }) => place === 'path').map(({ name }) => name);
      assert.deepEqual(declared, names, path);
    }
    const open = operations.filter(({ operation }) => operation.security?.length === 0).map(({ path }) => path);
    assert.deepEqual(open, ['/healthz', '/readyz']);
  });

  test('gives every operation a name of its own, and every answer a form', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { operation } of operations) {
      const statuses = Object.keys(operation.responses);
      assert.ok(statuses.some((status) => /^[12]/.test(status)) && statuses.includes('default'), operation.operationId);
    }
  });

  test('says of no JSON that it is a text, and of no answer without a body that it has one', () => {
    for (const { operation } of operations)
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        if (status === '304') assert.deepEqual(content, {}, operation.operationId);
        assert.notEqual(content['application/json']?.schema['type'], 'string', operation.operationId);
      }
  });

  test('has no reference that leads nowhere', () => {
    const text = JSON.stringify(document);
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer
        .split('/')
        .reduce<unknown>((value, part) => (value as Record<string, unknown>)?.[part], document);
      assert.notEqual(found, undefined, pointer);
    }
  });

  test('has the body of every route that takes one, in every form that the port takes', async () => {
    const app = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: true, strict: true } } });
    for (const { path, method, operation } of operations) {
      const route = routes.find((candidate) => candidate.path === path && candidate.method.toLowerCase() === method)!;
      const { body, bodyText } = route;
      const forms =
        body === undefined ? undefined : ['application/json', ...(bodyText === undefined ? [] : [bodyText])];
      assert.deepEqual(operation.requestBody && Object.keys(operation.requestBody.content), forms, path);
      if (body !== undefined)
        app.route({
          method: route.method,
          url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
          schema: { body },
          handler: () => '',
        });
    }
    // Throws for a schema that the port could not check bodies with.
    await app.ready();
  });

  test('tells everything that may be in a configuration, and that only an admin may change it', () => {
    const { PATCH, PUT } = Object.fromEntries(
      routes.filter(({ path }) => path === '/api/v1/config').map((route) => [route.method, route]),
    );
    const inFile = settingKeys.filter((key) => settings[key].inFile).map((key) => settings[key].flag);
    for (const route of [PATCH!, PUT!])
      assert.deepEqual(Object.keys(route.body!['properties'] as object).sort(), [...inFile].sort());
    for (const { method, path } of configuration) {
      const operation = document.paths[path]![method.toLowerCase()]!;
      const isRead = method === 'GET' && path !== '/api/v1/config/file';
      assert.equal(operation['x-role'], isRead ? 'viewer' : 'admin', `${method} ${path}`);
      const headers = (operation.parameters ?? [])
        .filter(({ in: place }) => place === 'header')
        .map(({ name }) => name);
      const isChange = method !== 'GET' && path !== '/api/v1/config/validate';
      assert.deepEqual(headers, isChange ? ['If-Match'] : [], `${method} ${path}`);
    }
  });
});

describe('docs/api.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/api.md'), 'utf8');

  test('has every request of the configuration in its table, and no other', () => {
    const listed = [...page.matchAll(/^\| `([A-Z]+ \/api\S+)`/gm)].map(([, request]) => request!);
    const list = routes.filter(({ method, path }) => method === 'GET' && path === '/api/v1/hardware');
    const expected = [...configuration, ...list].map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(listed.sort(), expected.sort());
  });

  test('names only statuses that a change can answer', () => {
    const rows = [...page.matchAll(/^\| (\d{3}) /gm)].map(([, status]) => Number(status));
    const answered = configuration.flatMap(({ answers }) => Object.keys(answers).map(Number));
    // The port itself answers these.
    const ofThePort = [400, 413];
    for (const status of rows) assert.ok(answered.includes(status) || ofThePort.includes(status), `${status}`);
    for (const status of answered) if (status >= 400) assert.ok(rows.includes(status), `${status}`);
  });
});
