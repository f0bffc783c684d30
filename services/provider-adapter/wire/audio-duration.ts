/** Bits a second by the four bits of an MPEG-1 layer III header, in kbit/s. 0: free or not allowed. */
const mp3Kbits = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0] as const;
/** The same of MPEG-2 and 2.5. */
const lowMp3Kbits = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0] as const;

/** Bytes a second of what OpenAI calls pcm: 24 kHz, 16 bits, one channel. */
const pcmBytesPerSecond = 48_000;
const wavHeaderBytes = 44;

/**
 * How long audio is, in milliseconds, by its first bytes and its length: WAV and constant-rate MP3 by their headers, PCM by the rate that
 * OpenAI documents. Undefined where that cannot be told.
 *
 * @param first the first bytes, 44 of them or all.
 */
export function audioDurationMs(contentType: string, first: Buffer, bytes: number): number | undefined {
  if (contentType.includes("pcm")) return Math.round((bytes / pcmBytesPerSecond) * 1_000);
  if (first.length >= wavHeaderBytes && first.toString("latin1", 0, 4) === "RIFF") {
    const perSecond = first.readUInt32LE(28);
    return perSecond === 0 ? undefined : Math.round(((bytes - wavHeaderBytes) / perSecond) * 1_000);
  }
  const kbits = mp3KbitsOf(first);
  return kbits === 0 ? undefined : Math.round((bytes * 8) / kbits);
}

function mp3KbitsOf(first: Buffer): number {
  const at = first.toString("latin1", 0, 3) === "ID3" ? id3Length(first) : 0;
  if (first.length < at + 4) return 0;
  const header = first.readUInt32BE(at);
  const isFrame = header >>> 21 === 0x7ff;
  const layer = (header >>> 17) & 3;
  if (!isFrame || layer !== 1) return 0;
  const version = (header >>> 19) & 3;
  return (version === 3 ? mp3Kbits : lowMp3Kbits)[(header >>> 12) & 15] ?? 0;
}

/** Seven bits a byte. */
function id3Length(first: Buffer): number {
  if (first.length < 10) return first.length;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (first.readUInt8(at) & 0x7f), 0);
  return 10 + size;
}
