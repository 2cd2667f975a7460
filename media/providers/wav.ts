/** WAV files as flite writes them. */
import type { Pcm } from './provider.ts';

/**
 * Reads a file of mono samples of 16 bits: `fmt ` (at offset 12, 16 bytes) then `data`. By hand, because the `wav` package's
 * reader is a stream, whose result would come only after the synchronous call that it is for.
 * @throws {Error} for any other file
 */
export function readWav(wav: Buffer): Pcm {
  const isWav =
    wav.length >= 44 && wav.toString('latin1', 8, 16) === 'WAVEfmt ' && wav.toString('latin1', 36, 40) === 'data';
  if (!isWav || wav.readUInt16LE(22) !== 1 || wav.readUInt16LE(34) !== 16) throw new Error('no mono 16-bit WAV file');
  const samples = new Int16Array(Math.floor(Math.min(wav.readUInt32LE(40), wav.length - 44) / 2));
  for (let i = 0; i < samples.length; i++) samples[i] = wav.readInt16LE(44 + 2 * i);
  return { samples, sampleRateHz: wav.readUInt32LE(24) };
}
