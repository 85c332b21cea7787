import { type EventType, eventTypes } from '../base/event-types.ts';
import { deathCauses, type HookFacts, type HookSource } from './hook-facts.ts';
import { type JsonSchema, object, text, whole } from './json-schema.ts';
import { problem, problemForm, type StatusRoute } from './route.ts';

const result: JsonSchema = {
  type: 'string',
  enum: ['delivered', 'refused', 'retry'],
  description: 'What became of it',
};

const hooksSchema = object({
  hooks: {
    type: 'array',
    description: 'In the order of the configuration',
    items: object({
      name: text('Its name, also in the log and in the metrics'),
      type: text('What is at the other end'),
      url: text('Where it sends to, without user, password and query'),
      events: { type: 'array', items: { type: 'string' }, description: 'What it wants to be told' },
      cameras: { type: ['array', 'null'], items: { type: 'string' }, description: 'Of these cameras; null is all' },
      signed: { type: 'boolean', description: 'Its messages have a signature' },
      reachable: { type: 'boolean', description: 'The target answers, or has not been asked yet' },
      queuedEvents: whole('Events that wait or are being delivered'),
      queuedBytes: whole('Characters of them'),
      delivered: whole('Events that were delivered'),
      failures: whole('Attempts that failed and are repeated'),
      dead: object(
        Object.fromEntries(deathCauses.map((cause) => [cause, whole(`Events: ${cause}`)])),
        'Events that were not delivered, by cause',
      ),
      last: {
        ...object(
          { time: text('When'), result, detail: text('Such as `HTTP 204`') },
          'The newest result; null before one',
        ),
        type: ['object', 'null'],
      },
    }),
  },
});

const trialSchema = object({
  result,
  detail: text('Such as `HTTP 204`, or what went wrong'),
  status: { type: ['integer', 'null'], description: 'Status of HTTP; null without an answer' },
  answer: text('The beginning of what came back'),
  seconds: { type: 'number', description: 'How long it took' },
  content: text('What was sent'),
});

/** The routes of the hooks. */
export function hookRoutes(source: HookSource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/hooks',
      summary: 'The hooks: what waits, what was delivered and what was not',
      answers: { 200: { schema: hooksSchema, text: 'The hooks' } },
      handle: () => ({ status: 200, body: { hooks: source.hooks().map(hookBody) } }),
    },
    {
      method: 'POST',
      path: '/api/v1/hooks/{index}/test',
      summary: 'Send a trial event to a hook, at once and once, and answer with what came back',
      role: 'admin',
      params: {
        type: 'object',
        required: ['index'],
        properties: {
          index: { type: 'integer', minimum: 0, description: 'Place of the hook in `/api/v1/hooks`, from 0' },
        },
      },
      query: {
        type: 'object',
        additionalProperties: false,
        properties: {
          event: {
            type: 'string',
            enum: ['test', ...eventTypes],
            default: 'test',
            description: 'What it pretends to be',
          },
        },
      },
      answers: {
        200: { schema: trialSchema, text: 'What came back' },
        404: problemForm('There is no such hook'),
        409: problemForm('A trial is on its way'),
      },
      handle: async ({ params, query }) => {
        const index = params['index'] as number;
        const trial = await source.testHook(index, query['event'] as EventType | 'test');
        if (trial === null) return problem(404, `there is no hook ${index}`);
        if (trial === 'busy') return problem(409, 'a trial of this hook is on its way');
        const { ms, ...rest } = trial;
        return { status: 200, body: { ...rest, seconds: Math.round(ms) / 1000 } };
      },
    },
  ];
}

function hookBody({ last, ...facts }: HookFacts): Record<string, unknown> {
  const { wallMs, ...outcome } = last ?? { wallMs: 0 };
  return { ...facts, last: last === null ? null : { time: new Date(wallMs).toISOString(), ...outcome } };
}
