import { Channel } from './channel.ts'

/** What a container is going through. */
export type Step =
  | 'creating'
  | 'starting'
  | 'waiting'
  | 'healthy'
  | 'running'
  | 'completed'
  | 'unchanged'
  | 'stopping'
  | 'stopped'
  | 'signalled'
  | 'paused'
  | 'unpaused'
  | 'removed'
  | 'failed'

/** What an image is going through; `kept`: it could not be pulled, and what is there will do. */
export type ImageStep = 'pulling' | 'pulled' | 'kept' | 'building' | 'built' | 'failed'

/** What happens while a stack goes up or down: plain data, in the order it happened. */
export type StackEvent =
  | {
      readonly type: 'engine'
      readonly kind: 'docker' | 'embedded'
      readonly endpoint: string
      /** One line: why this engine. */
      readonly reason: string
    }
  | {
      readonly type: 'plan'
      /** One line per operation with its cause; empty means no changes. */
      readonly operations: readonly string[]
      /** How many containers of the project there are already. */
      readonly found: number
      /** It is only told, not carried out. */
      readonly isDry?: boolean
    }
  | {
      readonly type: 'step'
      readonly service: string
      readonly container: string
      readonly step: Step
      /** A few words for people: a percentage, an exit code, what is waited for. */
      readonly detail: string
      /** Since the work on this container began. */
      readonly elapsedMs: number
    }
  | {
      /** An image is fetched or made. */
      readonly type: 'image'
      /** Its name; a build may have several, as `shop-web, shop-worker`. */
      readonly image: string
      /** Those that wait for it. */
      readonly services: readonly string[]
      readonly step: ImageStep
      /** A few words for people: a percentage, the step of a build. */
      readonly detail: string
      /** Since the work on this image began. */
      readonly elapsedMs: number
      /** 0 … 1, while pulling or building. */
      readonly progress?: number
    }
  | {
      /** How far all that is pulled is, as one figure. */
      readonly type: 'pull'
      /** 0 … 1; never goes back. */
      readonly fraction: number
      /** Bytes, of those layers whose size is known. */
      readonly downloaded: number
      readonly total: number
      /** Layers whose size is not known yet. */
      readonly waiting: number
    }
  | {
      /** A line that a build wrote. */
      readonly type: 'output'
      readonly image: string
      readonly text: string
    }
  | {
      /** A network or volume was made or removed, or an image removed. */
      readonly type: 'resource'
      readonly resource: 'network' | 'volume' | 'image'
      readonly name: string
      readonly step: 'created' | 'removed' | 'kept'
      readonly detail: string
    }
  | {
      readonly type: 'port'
      readonly service: string
      readonly container: string
      readonly address: string
      readonly wanted: number
      readonly chosen: number
      /** Who has the wanted port, as far as one can see: `container shop-redis-1`, `redis-server, pid 812`. */
      readonly holder: string | undefined
    }
  | { readonly type: 'watching'; readonly paths: readonly string[] }
  | {
      /** Files changed that a service is made of; what follows is told as it happens. */
      readonly type: 'change'
      readonly service: string
      /** Absolute. */
      readonly paths: readonly string[]
      readonly action: 'rebuild' | 'restart' | 'sync'
    }
  | { readonly type: 'warning'; readonly message: string }
  | {
      readonly type: 'done'
      /** Whether anything was changed. */
      readonly changed: boolean
      readonly elapsedMs: number
    }

/** Hands an event to whoever reads. */
export type Emit = (event: StackEvent) => void

/**
 * Runs `work` and hands out what it emits, as it emits it. Ends when the work ends; throws what it throws. A reader
 * who leaves early aborts the work.
 */
export async function* emitted(
  work: (emit: Emit, signal: AbortSignal) => Promise<void>,
  outer?: AbortSignal,
): AsyncGenerator<StackEvent, void, undefined> {
  const leaving = new AbortController()
  const events = new Channel<StackEvent>()
  const finished = work(
    (event) => void events.push(Object.freeze(event)),
    outer ? AbortSignal.any([outer, leaving.signal]) : leaving.signal,
  ).then(
    () => events.close(),
    (error: unknown) => events.close(error),
  )
  try {
    yield* events
  } finally {
    leaving.abort(new Error('nobody listens any more'))
    await finished
  }
}
