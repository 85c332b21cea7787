/** A consumer thread whose packets over UDP reach nobody, as behind a firewall. */
import { UdpTransport } from '../../src/net/rtp-udp.ts';

UdpTransport.prototype.sendPackets = () => undefined;
UdpTransport.prototype.sendReport = () => undefined;
await import('../../workers/consumer.ts');
