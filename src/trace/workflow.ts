import { runInTask, type TaskRequest } from '../app/context.ts'
import { ChordError } from '../app/exceptions.ts'
import type { ChordMember } from '../backend/backend.ts'
import type { Canvas } from '../canvas/canvas.ts'
import { fromData } from '../canvas/data.ts'
import { withArguments } from '../canvas/walk.ts'
import { messageOf } from '../errors.ts'
import { parseExceptionInfo } from '../protocol/exception.ts'
import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import { propagateStates, type State, states } from '../protocol/states.ts'
import { AsyncResult } from '../result/async-result.ts'
import { GroupResult } from '../result/group-result.ts'
import type { GetOptions } from '../result/result.ts'
import { resultFromTuple } from '../result/tuple.ts'
import { type End, endOf, endsIn, type Failed, idsIn, neverCalled, onSuccess, restOf } from './callbacks.ts'
import type { TraceEnvironment } from './environment.ts'
import { describeFailure, failure } from './failure.ts'
import type { Failure } from './outcome.ts'
import { storeMeta } from './result-writer.ts'

/**
 * What the end of a task means for what it is a part of: the rest of its chain, its links, its chord. Nobody who waits
 * for any of it waits for ever.
 */
export class Workflow {
  readonly #request: TaskRequest
  readonly #children: ResultTuple[]
  readonly #env: TraceEnvironment

  /** @param children takes what is sent on the task's behalf */
  constructor(request: TaskRequest, children: ResultTuple[], env: TraceEnvironment) {
    this.#request = request
    this.#children = children
    this.#env = env
  }

  /** Sends what a success leads to: before its result is stored, so that whoever sees that can see its children. */
  async goOn(value: unknown): Promise<void> {
    for (const canvas of onSuccess(this.#request, value)) await this.#send(canvas)
  }

  /** The value is stored. */
  async succeeded(value: unknown): Promise<void> {
    const end = endOf(this.#request)
    if (end) await this.#count(end, states.SUCCESS, value)
  }

  /** Tells the errbacks. */
  async tellFailure(thrown: unknown, traceback: string | null): Promise<void> {
    const errbacks = (this.#request.errbacks ?? []).map(fromData)
    await this.#call({ ...this.#request, errbacks }, thrown, traceback)
  }

  /** The failure is stored: what was to follow fails as well. */
  async failed(error: Failure, state: State = states.FAILURE): Promise<void> {
    const rest = restOf(this.#request)
    if (rest) await this.#abandon(rest, error, state)
    const end = endOf(this.#request)
    if (end) await this.#count(end, state, error.info)
  }

  /** It ended in a way that leads to nothing. A chord cannot wait for it any longer. */
  async stopped(why: unknown): Promise<void> {
    const { info } = failure(why, this.#request.task)
    const rest = restOf(this.#request)
    const ends = [endOf(this.#request), ...(rest ? endsIn(rest) : [])]
    for (const end of ends) if (end) await this.#count(end, states.FAILURE, info)
  }

  /** Stores how it ended for all that will never run, and lets no chord wait for it. */
  async #abandon(canvas: Canvas, error: Failure, state: State, children: ResultTuple[] = []): Promise<void> {
    const fields = { result: error.info, traceback: error.traceback }
    for (const id of idsIn(canvas)) {
      const caller = { replyTo: this.#request.replyTo, correlationId: id }
      await storeMeta({ task_id: id, status: state, ...fields, children }, caller, this.#env)
    }
    for (const end of endsIn(canvas)) await this.#count(end, state, error.info)
  }

  /** Who completes a chord sends its body. What goes wrong there does not undo what the task did. */
  async #count(end: End, state: State, result: unknown): Promise<void> {
    const { backend, log } = this.#env
    const { id, index, group } = end
    try {
      const members = await backend.chords?.end(group, { id, index, state, result })
      if (!members) return
      await this.#complete(end, members)
      await backend.chords?.forget(group)
    } catch (error) {
      log.critical(`the end of ${id} in the chord ${group} could not be told: ${messageOf(error)}`, { error })
    }
  }

  async #complete({ group, body }: End, members: readonly ChordMember[]): Promise<void> {
    const failed = members.find(({ state }) => propagateStates.has(state))
    if (failed) return this.#failBody(body, dependencyError(failed.id, failed.result))
    await this.#sendBody(body, () => this.#valuesOf(group, members))
  }

  /** All of the header has ended: its body is sent, or fails. */
  async unlock(header: GroupResult, body: Canvas): Promise<void> {
    for await (const { id, meta } of endsOf(header)) {
      if (meta && propagateStates.has(meta.status)) return this.#failBody(body, dependencyError(id, meta.result))
    }
    await this.#sendBody(body, () => header.get(this.#joining))
  }

  async #sendBody(body: Canvas, values: () => Promise<unknown[]>): Promise<void> {
    try {
      await this.#send(withArguments(body, [await values()]))
    } catch (cause) {
      await this.#failBody(body, new ChordError(`Callback error: ${messageOf(cause)}`, { cause }))
    }
  }

  // Where members are groups themselves, their values are put together as the header has them.
  async #valuesOf(group: string, members: readonly ChordMember[]): Promise<unknown[]> {
    const { app, backend } = this.#env
    const header = await backend.groups?.restore(group)
    if (!header) return members.map(({ result }) => result)
    return (await resultFromTuple(header, app.results).get(this.#joining)) as unknown[]
  }

  get #joining(): GetOptions {
    return { timeout: this.#env.app.conf.resultChordJoinTimeout, disableSyncSubtasks: false }
  }

  async #failBody(body: Canvas, error: ChordError): Promise<void> {
    const { log } = this.#env
    log.error(`Chord ${this.#request.group} raised: ${error.message}`, { taskId: this.#request.id })
    const told = failure(error, this.#request.task)
    for (const failed of neverCalled(body)) await this.#call(failed, error, told.traceback)
    await this.#abandon(body, told, states.FAILURE, this.#children)
  }

  /** Calls the errbacks: those that want the error here and now, the others by message. */
  async #call(failed: Failed, thrown: unknown, traceback: string | null): Promise<void> {
    const { id, task, errbacks } = failed
    for (const errback of errbacks) {
      try {
        if (await this.#callInline(errback, failed, thrown, traceback)) continue
        await this.#send(withArguments(errback, [id]))
      } catch (error) {
        this.#env.log.error(`an error callback of ${task}[${id}] failed: ${messageOf(error)}`, { error })
      }
    }
  }

  async #callInline(
    errback: Canvas,
    { id, task: name, args: given, kwargs }: Failed,
    thrown: unknown,
    traceback: string | null,
  ): Promise<boolean> {
    const task = errback.kind === 'task' ? this.#env.app.tasks.get(errback.task) : undefined
    if (errback.kind !== 'task' || !task?.options.errback) return false
    const request = { ...this.#request, id, task: name, args: given, kwargs }
    const args = errback.immutable ? errback.args : [request, thrown, traceback, ...errback.args]
    await runInTask(this.#request, this.#children, () => task(...args))
    return true
  }

  async #send(canvas: Canvas): Promise<void> {
    await runInTask(this.#request, this.#children, () => this.#env.app.send(canvas))
  }
}

function dependencyError(id: string, result: unknown): ChordError {
  const raised = describeFailure({ info: parseExceptionInfo(result), traceback: null })
  return new ChordError(`Dependency ${id} raised ${raised}`)
}

/** The tasks behind a group's results, those of groups among them too. */
async function* endsOf(group: GroupResult): AsyncGenerator<{ id: string; meta: ResultMeta | undefined }> {
  for (const result of group.results) {
    if (result instanceof GroupResult) yield* endsOf(result)
    else if (result instanceof AsyncResult) yield { id: result.id, meta: await result.meta() }
  }
}
