import { limits } from '../../base/limits.ts';
import type { OnvifFault } from '../fault.ts';
import type { XmlElement } from '../xml.ts';
import { notificationFault } from './event-faults.ts';
import { concreteDialect, concreteSetDialect, topicPath } from './publishing-topic.ts';

/** `prefix:Root/Child/prefix:Child`, and `//.` at the end for everything below (ONVIF Core, clause 9.6.3). */
const pathShape = /^[\w.-]+(?::[\w.-]+)?(?:\/[\w.-]+(?::[\w.-]+)?)*(?:\/\/\.)?$/;

/**
 * Checks a wsnt:FilterType, and throws the fault that WS-BaseNotification has for what is wrong with it. As there is one
 * topic, a filter either selects it or nothing at all; the latter is refused, for its client would wait for ever.
 */
export function checkFilter(filter: XmlElement | null, wallMs: number): void {
  for (const part of filter?.children ?? []) {
    if (part.name === 'TopicExpression') checkTopics(part, wallMs);
    else throw unknownFilter(part.name, wallMs);
  }
}

function checkTopics(expression: XmlElement, wallMs: number): void {
  const dialect = expression.attributes.get('Dialect')?.trim() ?? concreteSetDialect;
  if (dialect !== concreteDialect && dialect !== concreteSetDialect)
    throw notificationFault('TopicExpressionDialectUnknownFault', 'The topic expression dialect is not known', wallMs);
  const paths = expression.text.split('|').map((path) => path.trim());
  if (expression.text.length > limits.onvifEvents.expressionCharacters || !paths.every((path) => pathShape.test(path)))
    throw notificationFault('InvalidTopicExpressionFault', 'The topic expression is not valid', wallMs);
  if (!paths.some(selects))
    throw notificationFault('TopicNotSupportedFault', 'The topic expression selects no topic of this device', wallMs);
}

/** Names are compared without prefixes: no two of our topics differ in their namespaces only. */
function selects(path: string): boolean {
  const subtree = path.endsWith('//.');
  const names = (subtree ? path.slice(0, -3) : path).split('/').map((name) => name.slice(name.indexOf(':') + 1));
  if (subtree ? names.length > topicPath.length : names.length !== topicPath.length) return false;
  return names.every((name, i) => name === topicPath[i]);
}

/** GetEventProperties offers no dialect for message contents, and none for producer properties. */
function unknownFilter(name: string, wallMs: number): OnvifFault {
  const known = name === 'MessageContent' || name === 'ProducerProperties' ? name : 'Filter';
  const content = `<f:UnknownFilter>f:${known}</f:UnknownFilter>`;
  return notificationFault('InvalidFilterFault', 'Only topic expressions are supported as filters', wallMs, content);
}
