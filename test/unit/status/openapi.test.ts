import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openApi } from '../../../src/status/openapi.ts';
import { statusRoutes } from '../../../src/status/routes.ts';
import type { StatusSource } from '../../../src/status/status-source.ts';

const routes = statusRoutes({ version: '1.2.3' } as StatusSource, 'run');
const document = openApi(routes, '1.2.3') as {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
};

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
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
    for (const { operation } of operations) assert.ok('200' in operation.responses && 'default' in operation.responses);
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
});
