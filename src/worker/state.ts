import type { TaskMessage } from '../protocol/task-message.ts'
import type { Ledger, Request } from './request.ts'
import type { Revoked, RevokedStamps } from './revoked.ts'

/** What a worker has in hand, and what it has done. */
export class WorkerState implements Ledger {
  /** Received and not finished: waiting for its time, for a place, or running. */
  readonly reserved: Set<Request> = new Set()
  readonly active: Set<Request> = new Set()
  /** Received, by task name. */
  readonly total: Map<string, number> = new Map()
  readonly revoked: Revoked
  readonly revokedStamps: RevokedStamps
  processed = 0
  /** Told when `active` or `processed` has changed. */
  onChange: () => void = () => {}
  readonly #byMessage = new Map<string, Request>()

  constructor(revoked: Revoked, revokedStamps: RevokedStamps) {
    this.revoked = revoked
    this.revokedStamps = revokedStamps
  }

  isRevoked({ id, stamps }: TaskMessage): boolean {
    return this.revoked.has(id) || this.revokedStamps.matches(stamps)
  }

  inHand(message: TaskMessage): Request | undefined {
    return this.#byMessage.get(keyOf(message))
  }

  receive(request: Request): void {
    this.reserved.add(request)
    this.#byMessage.set(keyOf(request.message), request)
    this.total.set(request.message.task, (this.total.get(request.message.task) ?? 0) + 1)
  }

  begin(request: Request): void {
    this.active.add(request)
    this.onChange()
  }

  finish(request: Request): void {
    this.reserved.delete(request)
    if (this.inHand(request.message) === request) this.#byMessage.delete(keyOf(request.message))
    if (!this.active.delete(request)) return
    this.processed += 1
    this.onChange()
  }
}

/** A retry has the id of the task that it tries again. */
const keyOf = ({ id, retries }: TaskMessage) => `${id} ${retries}`
