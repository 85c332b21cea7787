/** Everything that is told: in the history, live, and by hooks. */
export const eventTypes = [
  'started',
  'stopped',
  'rejected',
  'degraded',
  'recovered',
  'rule',
  'overloaded',
  'relieved',
  'listener_failed',
] as const;

/** A kind of event. */
export type EventType = (typeof eventTypes)[number];

/** The same for people: what logs, and events in XProtect, are called. */
export const eventTitles: Readonly<Record<EventType, string>> = {
  started: 'RTMP Stream Started',
  stopped: 'RTMP Stream Stopped',
  rejected: 'RTMP Publisher Rejected',
  degraded: 'RTMP Stream Degraded',
  recovered: 'RTMP Stream Recovered',
  rule: 'RTMP Stream Rule',
  overloaded: 'RTMP Server Overloaded',
  relieved: 'RTMP Server Relieved',
  listener_failed: 'RTMP Listener Failed',
};
