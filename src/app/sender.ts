import type { Signature } from '../canvas/signature.ts'
import type { PendingResult } from '../result/async-result.ts'
import type { EagerResult } from '../result/eager-result.ts'

/** What a task holds of its app: the way out. */
export interface Sender {
  send<R>(signature: Signature): PendingResult<R>
  apply<R>(signature: Signature, options?: { throw?: boolean }): Promise<EagerResult<R>>
}
