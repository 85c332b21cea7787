import { checkOf, type Finding } from './finding.ts';

/** What is known of this machine's clock. */
export interface ClockFacts {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds by which the wall clock moved against the monotonic one while the checks ran. */
  readonly driftMs: number;
  /** Output of `timedatectl show`; null where that is not there. */
  readonly timedatectl: string | null;
  /** Output of `chronyc -n tracking`; null where that is not there. */
  readonly chronyc: string | null;
}

/** Milliseconds; ONVIF logins fail at five minutes, and pictures should not be seconds away from those of other cameras. */
const offsetMs = 1000;
/** Milliseconds of movement in the few seconds of a run that are no slewing any more. */
const jumpMs = 50;
/** No release of Skyweir is older. */
const earliestMs = Date.UTC(2025, 0, 1);

/** Whether the clock is right: logins of ONVIF and the times of pictures depend on it. */
export function checkClock({ wallMs, driftMs, timedatectl, chronyc }: ClockFacts): Finding[] {
  const check = checkOf('clock', 'Clock');
  const remedy =
    'give this machine the time source of the recorders: chrony or systemd-timesyncd (timedatectl set-ntp true)';
  const findings: Finding[] = [];
  if (wallMs < earliestMs) findings.push(check.problem(`says ${new Date(wallMs).toISOString()}`, remedy));
  else findings.push(checkSynchronised(timedatectl, chronyc, remedy));
  if (Math.abs(driftMs) >= jumpMs)
    findings.push(
      checkOf('clock', 'Clock jumps').warning(
        `it moved by ${Math.round(driftMs)} ms while this ran`,
        'see whether several programs set it, such as chrony and the tools of a virtual machine',
      ),
    );
  return findings;
}

function checkSynchronised(timedatectl: string | null, chronyc: string | null, remedy: string): Finding {
  const check = checkOf('clock', 'Clock');
  if (chronyc !== null) {
    const offset = /^System time\s*:\s*([\d.]+) seconds (slow|fast)/m.exec(chronyc);
    const isNormal = /^Leap status\s*:\s*Normal/m.test(chronyc);
    if (!isNormal || offset === null) return check.warning('chrony has not synchronised it', remedy);
    const ms = Number(offset[1]) * 1000;
    const text = `synchronised by chrony, ${ms.toFixed(ms < 10 ? 2 : 0)} ms ${offset[2]}`;
    return ms < offsetMs ? check.ok(text) : check.warning(text, 'wait, or step it: chronyc makestep');
  }
  const synchronised = timedatectl === null ? null : /^NTPSynchronized=(yes|no)/m.exec(timedatectl)?.[1];
  if (synchronised === 'yes') return check.ok('synchronised, says systemd');
  if (synchronised === 'no') return check.warning('is not synchronised, says systemd', remedy);
  return check.warning(
    'cannot tell whether it is synchronised: neither chronyc nor timedatectl answers',
    `${remedy}; in a container that is the business of its machine`,
  );
}
