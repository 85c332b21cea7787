import type { ChannelVideo } from './device.ts';

/** Frames per second and kbit/s that are told while nothing is known yet: limits, so rather too much than too little. */
const assumedFps = 30;
const assumedKbps = 8192;

/** What is told of a picture before any is known; the size of the offline card. */
const assumedWidth = 1280;
const assumedHeight = 720;

/** A camera's picture as ONVIF tells it. */
export interface ShownVideo {
  readonly width: number;
  readonly height: number;
  /** Three decimals at most, above 0. */
  readonly fps: number;
  /** For the fields that hold whole numbers only, at least 1. */
  readonly wholeFps: number;
  readonly kbps: number;
  readonly gop: number;
  /** Name of the H.264 profile, of the four that ONVIF has. */
  readonly profile: string;
}

/** Fills in what is not known yet. */
export function shownVideo(video: ChannelVideo): ShownVideo {
  const known = Number.isFinite(video.fps) && video.fps > 0;
  const fps = known ? Math.max(0.001, Math.round(video.fps * 1000) / 1000) : assumedFps;
  const wholeFps = Math.max(1, Math.round(fps));
  return {
    width: video.width > 0 ? video.width : assumedWidth,
    height: video.height > 0 ? video.height : assumedHeight,
    fps,
    wholeFps,
    kbps: video.kbps > 0 ? Math.max(1, Math.round(video.kbps)) : assumedKbps,
    gop: video.gop > 0 ? Math.round(video.gop) : wholeFps * 2,
    profile: profileName(video.profile),
  };
}

/** The name for a profile_idc (H.264, annex A.2); what ONVIF has no name for is beyond High. */
function profileName(profileIdc: number): string {
  if (profileIdc === 66) return 'Baseline';
  if (profileIdc === 77) return 'Main';
  return profileIdc === 88 ? 'Extended' : 'High';
}
