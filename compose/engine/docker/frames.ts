/** What a process wrote at once. */
export interface Frame {
  readonly stream: 'stdout' | 'stderr'
  readonly payload: Buffer
}

const headerBytes = 8

/** Takes Docker's multiplexed stream apart, wherever its chunks are cut. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  const reader = new FrameReader()
  for await (const chunk of chunks) yield* reader.push(chunk)
}

/**
 * `[type, 0, 0, 0, length in 4 bytes]` stands before each payload, one per write of the process. A loop, because
 * recursion overflows on a chunk with many frames; and no byte is copied more than twice, whether a chunk has
 * thousands of frames or a frame has thousands of chunks.
 */
export class FrameReader {
  /** What is there of a frame that is not whole yet. */
  #parts: Buffer[] = []
  #length = 0
  /** How much of it must be there before it is worth looking again. */
  #needed = headerBytes

  /** The frames that end in this chunk. */
  push(chunk: Buffer): Frame[] {
    this.#parts.push(chunk)
    this.#length += chunk.length
    return this.#length < this.#needed ? [] : this.#take()
  }

  #take(): Frame[] {
    const bytes = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts, this.#length)
    const frames: Frame[] = []
    let at = 0
    let needed = neededAt(bytes, at)
    for (; bytes.length - at >= needed; needed = neededAt(bytes, at)) {
      // 1 is stdout; 2 is stderr, 3 an error of the engine itself.
      const stream = bytes[at] === 1 ? 'stdout' : 'stderr'
      frames.push({ stream, payload: bytes.subarray(at + headerBytes, at + needed) })
      at += needed
    }
    this.#parts = at < bytes.length ? [bytes.subarray(at)] : []
    this.#length = bytes.length - at
    this.#needed = needed
    return frames
  }
}

/** The length of the frame that begins there; of its header, while that is not whole. */
function neededAt(bytes: Buffer, at: number): number {
  return bytes.length - at < headerBytes ? headerBytes : headerBytes + bytes.readUInt32BE(at + 4)
}
