import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'

/** Whom a signal is about: a task, or the name of a task or of a worker. */
export type SignalSender = string | { readonly taskName: string }

export type SignalHandler<Payload> = (payload: Payload & { readonly sender: string }) => unknown

interface Receiver<Payload> {
  readonly handler: SignalHandler<Payload>
  /** Undefined hears everyone. */
  readonly sender: string | undefined
}

/**
 * A moment that others may want to know of. Handlers run in the order in which they were connected; an async one is
 * waited for; one that throws is logged and harms nothing.
 *
 * @example
 * app.signals.taskPrerun.connect(({ sender, taskId }) => console.log(sender, taskId))
 * app.signals.taskFailure.connect(({ exception }) => report(exception), { sender: charge })
 */
export class Signal<Payload extends object> {
  readonly name: string
  #receivers: readonly Receiver<Payload>[] = []

  constructor(name: string) {
    this.name = name
  }

  /** Is there anyone to hear it? */
  get isConnected(): boolean {
    return this.#receivers.length > 0
  }

  connect(handler: SignalHandler<Payload>, options: { sender?: SignalSender } = {}): void {
    const sender = nameOf(options.sender)
    const isKnown = this.#receivers.some((receiver) => receiver.handler === handler && receiver.sender === sender)
    if (!isKnown) this.#receivers = [...this.#receivers, { handler, sender }]
  }

  /** Takes a handler out again; without a sender, from wherever it was connected. */
  disconnect(handler: SignalHandler<Payload>, options: { sender?: SignalSender } = {}): void {
    const sender = nameOf(options.sender)
    const stays = (receiver: Receiver<Payload>) =>
      receiver.handler !== handler || (sender !== undefined && receiver.sender !== sender)
    this.#receivers = this.#receivers.filter(stays)
  }

  async send(sender: string, payload: Payload, log: Logger): Promise<void> {
    const hearing = this.#receivers.filter((receiver) => receiver.sender === undefined || receiver.sender === sender)
    for (const { handler } of hearing) {
      try {
        await handler({ ...payload, sender })
      } catch (error) {
        const label = handler.name || 'anonymous'
        log.error(`Signal handler ${label} of ${this.name} raised: ${messageOf(error)}`, { error })
      }
    }
  }
}

function nameOf(sender: SignalSender | undefined): string | undefined {
  return sender === undefined || typeof sender === 'string' ? sender : sender.taskName
}
