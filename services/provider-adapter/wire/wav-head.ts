/** Samples a second of what OpenAI calls pcm: 16 bits, one channel. */
export const usualSampleRate = 24_000;

/** Bytes of the head. */
export const wavHeadBytes = 44;
const bytesPerSample = 2;
/** The largest size that a head can say. Players take it for "until the end", and so does a file whose length is not known before. */
const unknownSize = 0xffff_ffff;

/**
 * The head of a WAV file of samples of 16 bits and one channel.
 *
 * @param dataBytes bytes of the samples; undefined: not known before their end.
 */
export function wavHead(sampleRate: number, dataBytes: number | undefined): Buffer {
  const head = Buffer.alloc(wavHeadBytes);
  const isKnown = dataBytes !== undefined && dataBytes < unknownSize - wavHeadBytes;
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(isKnown ? dataBytes + wavHeadBytes - 8 : unknownSize, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(sampleRate, 24);
  head.writeUInt32LE(sampleRate * bytesPerSample, 28);
  head.writeUInt16LE(bytesPerSample, 32);
  head.writeUInt16LE(bytesPerSample * 8, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(isKnown ? dataBytes : unknownSize, 40);
  return head;
}
