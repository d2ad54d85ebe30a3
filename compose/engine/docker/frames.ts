/** What a process wrote at once. */
export interface Frame {
  readonly stream: 'stdout' | 'stderr'
  readonly payload: Buffer
}

const headerBytes = 8

/**
 * Takes Docker's multiplexed stream apart: `[type, 0, 0, 0, length in 4 bytes]` before each payload, one per write
 * of the process. Chunks come cut anywhere; a loop, because recursion overflows on a chunk with many frames.
 */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let buffer: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
    let at = 0
    while (buffer.length - at >= headerBytes) {
      const end = at + headerBytes + buffer.readUInt32BE(at + 4)
      if (buffer.length < end) break
      // 1 is stdout; 2 is stderr, 3 an error of the engine itself.
      yield { stream: buffer[at] === 1 ? 'stdout' : 'stderr', payload: buffer.subarray(at + headerBytes, end) }
      at = end
    }
    buffer = buffer.subarray(at)
  }
}
