import type { RtmpListener } from '../config/hardware.ts';
import type { Config } from '../config/schema.ts';
import type { ListenerPorts, ListenOptions, PublishAddress } from '../control/messages.ts';

/** The ports in use, by the keys that they were asked for with. */
export interface OpenPorts {
  readonly listeners: readonly ListenerPorts[];
  readonly rtsp: number;
}

/**
 * What the acceptor has to listen for. `open`: ports that are to stay what they are, also where the system chose them; null at
 * the first start.
 */
export function listenOptions(config: Config, open: OpenPorts | null): ListenOptions {
  return {
    listeners: config.listenerList.map((listener) => {
      const { key, port, tls, rtmpsPort, maxConnections, maxConnectionsPerIp, ratePerSecond } = listener;
      const ports = open?.listeners.find((other) => other.key === key);
      return {
        key,
        port: port || (ports?.rtmp ?? 0),
        tls,
        rtmps: rtmpsPort === null ? null : { key: String(rtmpsPort), port: rtmpsPort },
        admission: { maxConnections, maxConnectionsPerIp, ratePerSecond },
      };
    }),
    rtsp: { key: String(config.rtspPort), port: config.rtspPort || (open?.rtsp ?? 0) },
    allowIp: config.allowIp,
    denyIp: config.denyIp,
    timeouts: {
      handshakeMs: config.handshakeTimeoutMs,
      publishMs: config.publishTimeoutMs,
      videoMs: config.videoTimeoutMs,
      receiveMs: config.receiveTimeoutMs,
    },
  };
}

/** Where publishers of each listener push to. */
export function publishAddresses(listeners: readonly RtmpListener[], open: OpenPorts): PublishAddress[] {
  return listeners.map(({ key, tls, port }) => {
    const ports = open.listeners.find((other) => other.key === key);
    return { listener: key, scheme: tls ? 'rtmps' : 'rtmp', port: ports?.rtmp ?? port };
  });
}
