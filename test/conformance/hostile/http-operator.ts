import assert from 'node:assert/strict';
import { testCredentials } from '../../support/media-server.ts';
import { parseMetrics } from '../../support/metrics-parser.ts';
import { type HttpResult, post } from '../../support/onvif-peer.ts';
import type { Scene, StatusEnd } from './row.ts';

const { user, password } = testCredentials;

/** Header of somebody who may do everything. */
export const operator = `Authorization: ${basic(user, password)}`;

/** Value of an Authorization header. */
export function basic(name: string, secret: string): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;
}

/** A whole request without a body. */
export function get(path: string, ...headers: readonly string[]): string {
  return begin('GET', path, ...headers);
}

/** The head of a request. */
export function begin(method: string, path: string, ...headers: readonly string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, 'Host: skyweir', ...headers].join('\r\n')}\r\n\r\n`;
}

/** A whole request with a body, which is JSON unless `headers` say something else. */
export function send(method: string, path: string, body: Uint8Array | string, ...headers: readonly string[]): Buffer {
  const content = Buffer.from(body);
  const type = headers.some((line) => /^content-type:/i.test(line)) ? [] : ['Content-Type: application/json'];
  const head = begin(method, path, ...headers, ...type, `Content-Length: ${content.length}`);
  return Buffer.concat([Buffer.from(head, 'latin1'), content]);
}

export interface OperatorOptions {
  /** Address to come from. */
  readonly from?: string;
  /** Of the server that has a certificate, over TLS. */
  readonly secure?: boolean;
}

/** Asks as an operator's client does, on a connection of its own. */
export function askOperator(scene: Scene, path: string, options: OperatorOptions = {}): Promise<HttpResult> {
  const { secure = false } = options;
  const headers = { Authorization: basic(user, password) };
  return post(secure ? scene.gate.secureHttp! : scene.gate.http!, '', { ...options, path, method: 'GET', headers });
}

/** What an HTTP port has counted. */
export interface HttpFigures {
  readonly connections: number;
  readonly eventClients: number;
  readonly previews: number;
  /** Connections that were refused, and wrong logins. */
  readonly refused: number;
  readonly authFailures: number;
  /** Answers by status. */
  readonly answers: ReadonlyMap<number, number>;
}

/** Reads the metrics. */
export async function httpFigures(scene: Scene, options: OperatorOptions = {}): Promise<HttpFigures> {
  const answer = await askOperator(scene, '/metrics', options);
  assert.equal(answer.status, 200, answer.body);
  const { values } = parseMetrics(answer.body);
  const answers = [...values].flatMap(([name, value]) => {
    const status = /^skyweir_http_answers_total\{status="(\d+)"\}$/.exec(name)?.[1];
    return status === undefined ? [] : [[Number(status), value] as const];
  });
  return {
    connections: values.get('skyweir_http_connections')!,
    eventClients: values.get('skyweir_http_event_clients')!,
    previews: values.get('skyweir_http_previews')!,
    refused: values.get('skyweir_http_refused_total')!,
    authFailures: values.get('skyweir_authentication_failures_total{protocol="http"}')!,
    answers: new Map(answers),
  };
}

/** What a row did was counted: what the log has a reason for as refused or as a wrong login, the rest by its answer. */
export function isCounted(before: HttpFigures, after: HttpFigures, { status, reason }: StatusEnd): void {
  const refused = after.refused + after.authFailures - before.refused - before.authFailures;
  const answered = [status].flat().map((one) => (after.answers.get(one!) ?? 0) - (before.answers.get(one!) ?? 0));
  assert.ok((reason !== null && refused > 0) || answered.some((count) => count > 0), 'what happened is counted');
}
