/** What is done with the body of a message. */
export const route = {
  skip: 0,
  ignore: 1,
  audio: 2,
  video: 3,
  /** From here on the body is gathered. */
  laterVideo: 4,
  control: 5,
  command: 6,
  data: 7,
  aggregate: 8,
  discard: 9,
} as const;
