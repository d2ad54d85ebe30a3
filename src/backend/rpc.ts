import { CeleryError, messageOf } from '../errors.ts'
import { Once } from '../once.ts'
import { persist } from '../persist.ts'
import { defaultExchange, transientQueue } from '../protocol/entity.ts'
import type { Message } from '../protocol/message.ts'
import { parseResultMeta, type ResultMeta } from '../protocol/result-meta.ts'
import { decode, serializerFor } from '../protocol/serializer.ts'
import { type Backend, type BackendOptions, type Caller, storePolicy } from './backend.ts'
import { openPrivateMemory } from './memory.ts'

/**
 * Results as messages, to the queue that the call named (§5.3 of Celery's wire formats). Nothing is kept but what has
 * come to this process: the results of another process, or of one that is gone, are nowhere to be looked up.
 */
export async function openRpc(_url: string, options: BackendOptions): Promise<Backend> {
  return new RpcBackend(options)
}

const json = serializerFor('json')

/** Results that nobody may ever ask for are not kept without end: the oldest make room. */
export const mostKept = 10_000

type OnError = (error: Error) => void

class RpcBackend implements Backend {
  readonly name = 'rpc'
  readonly isShared = false
  readonly url = 'rpc://'
  readonly #options: BackendOptions
  /** What has come so far. */
  readonly #arrived: Backend
  /** Its tasks, the oldest first. */
  readonly #order = new Set<string>()
  /** Who waits for a task, to be told of a message about it that cannot be read. */
  readonly #onErrors = new Map<string, Set<OnError>>()
  readonly #mailbox = new Once(() => this.#openMailbox())

  constructor(options: BackendOptions) {
    this.#options = options
    this.#arrived = openPrivateMemory(options)
  }

  async store(meta: ResultMeta, caller?: Caller): Promise<void> {
    if (!caller?.replyTo) return // as Celery: a call without an address wants no answer
    const { replyTo, correlationId } = caller
    const { clock, transport, resultPersistent } = this.#options
    const message: Message = {
      headers: {},
      properties: { correlationId, deliveryMode: resultPersistent ? 2 : 1, priority: 0 },
      contentType: json.contentType,
      contentEncoding: json.contentEncoding,
      body: json.encode(meta), // what cannot be encoded is the task's own failure
    }
    await persist(async () => (await transport()).publish(message, defaultExchange, replyTo), clock, storePolicy)
  }

  async get(taskId: string): Promise<ResultMeta | undefined> {
    this.#assertListening(taskId)
    return this.#arrived.get(taskId)
  }

  async watch(taskId: string, onMeta: (meta: ResultMeta) => void, onError: OnError = () => {}): Promise<() => void> {
    this.#assertListening(taskId)
    const onErrors = this.#onErrors.get(taskId) ?? new Set()
    this.#onErrors.set(taskId, onErrors.add(onError))
    const unwatch = await this.#arrived.watch(taskId, onMeta)
    return () => {
      unwatch()
      onErrors.delete(onError)
      if (onErrors.size === 0) this.#onErrors.delete(taskId)
    }
  }

  forget(taskId: string): Promise<void> {
    this.#order.delete(taskId)
    return this.#arrived.forget(taskId)
  }

  async listen(): Promise<void> {
    await this.#mailbox.get()
  }

  async close(): Promise<void> {
    await this.#arrived.close()
    await this.#mailbox.release((mailbox) => mailbox.cancel())
  }

  async #openMailbox() {
    const { oid, transport, resultExpires } = this.#options
    const queue = transientQueue(
      oid,
      defaultExchange,
      oid,
      resultExpires ? { expiresMs: Math.ceil(resultExpires * 1000) } : {},
    )
    return (await transport()).consume([queue], ({ message }) => this.#receive(message))
  }

  #receive(message: Message): void {
    try {
      const meta = parseResultMeta(decode(serializerFor(message.contentType), message.body, 'a result'))
      if (!meta) throw new CeleryError('DECODE_ERROR', 'a message in the queue of results is no result')
      this.#keep(meta)
    } catch (error) {
      this.#options.log.warning(`a result was passed over: ${messageOf(error)}`)
      for (const onError of this.#onErrors.get(message.properties.correlationId ?? '') ?? []) onError(error as Error)
    }
  }

  #keep(meta: ResultMeta): void {
    void this.#arrived.store(meta)
    this.#order.delete(meta.task_id)
    this.#order.add(meta.task_id)
    const [oldest] = this.#order
    if (this.#order.size > mostKept && oldest !== undefined) void this.forget(oldest)
  }

  #assertListening(taskId: string): void {
    if (this.#mailbox.isMade) return
    const what = `rpc:// gives results only to the process that sent the task, and this one did not send ${taskId}`
    const next = 'Ask in that process, or keep results for everyone: resultBackend redis://…'
    throw new CeleryError('UNSUPPORTED', what, { next })
  }
}
