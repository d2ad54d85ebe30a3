import { Channel } from '../channel.ts'
import type { Engine, EngineEvent } from '../engine/engine.ts'

/** The events of one container, in order, from the moment it was asked for. */
export interface Life {
  /** The next event; rejects when the engine goes away or the watch is over. */
  next(): Promise<EngineEvent>
  close(): void
}

/** Hands an engine's events to those who wait for containers. */
export class Watch {
  readonly #channels = new Set<Channel<EngineEvent>>()
  readonly #stop: AbortController
  #over: { readonly error: unknown } | undefined

  /** Resolves once no event can be missed any more. */
  static async open(engine: Engine, project: string, signal: AbortSignal): Promise<Watch> {
    const stop = new AbortController()
    return new Watch(await engine.events(project, AbortSignal.any([signal, stop.signal])), stop)
  }

  private constructor(events: AsyncIterable<EngineEvent>, stop: AbortController) {
    this.#stop = stop
    this.#pump(events).then(
      () => this.#end(new Error('the watch is over')),
      (error: unknown) => this.#end(error),
    )
  }

  /** Every event, whichever container. */
  all(): Channel<EngineEvent> {
    const channel = new Channel<EngineEvent>()
    if (this.#over) channel.close(this.#over.error)
    this.#channels.add(channel)
    return channel
  }

  of(container: string): Life {
    const channel = this.all()
    return {
      next: async () => {
        while (true) {
          const event = await channel.next()
          if (event === undefined) throw new Error('nobody watches any more')
          if (event.container === container) return event
        }
      },
      close: () => {
        this.#channels.delete(channel)
        channel.close()
      },
    }
  }

  stop(): void {
    this.#stop.abort()
  }

  async #pump(events: AsyncIterable<EngineEvent>): Promise<void> {
    for await (const event of events) {
      for (const channel of this.#channels) void channel.push(event)
    }
  }

  #end(error: unknown): void {
    this.#over = { error }
    for (const channel of this.#channels) channel.close(error)
  }
}
