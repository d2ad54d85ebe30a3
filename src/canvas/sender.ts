import type { PendingResult } from '../result/async-result.ts'
import type { Result } from '../result/result.ts'
import type { Canvas } from './canvas.ts'

/** What a signature holds of its app: the way out. */
export interface Sender {
  send<R = unknown, H extends Result<R> = Result<R>>(canvas: Canvas): PendingResult<R, H>
  /** Whether the calls that would be made first have the arguments that they want. @throws {ArgumentsError} */
  check(canvas: Canvas): void
  /** Runs it here and now. */
  apply<R = unknown, H extends Result<R> = Result<R>>(canvas: Canvas, options?: { throw?: boolean }): Promise<H>
}
