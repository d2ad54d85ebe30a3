import { runInTask, type TaskRequest } from '../app/context.ts'
import { ChordError } from '../app/exceptions.ts'
import type { ChordMember } from '../backend/backend.ts'
import type { Canvas } from '../canvas/canvas.ts'
import { fromData } from '../canvas/data.ts'
import { withArguments } from '../canvas/options.ts'
import { messageOf } from '../errors.ts'
import { parseExceptionInfo } from '../protocol/exception.ts'
import type { ResultMeta, ResultTuple } from '../protocol/result-meta.ts'
import { propagateStates, type State, states } from '../protocol/states.ts'
import { AsyncResult } from '../result/async-result.ts'
import { GroupResult } from '../result/group-result.ts'
import {
  arranged,
  type End,
  endOf,
  endsIn,
  type Failed,
  idsIn,
  neverCalled,
  onSuccess,
  restOf,
} from './continuation.ts'
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

  /** Tells the errbacks, when the failure is stored. */
  async tellFailure(thrown: unknown, traceback: string | null): Promise<void> {
    const errbacks = (this.#request.errbacks ?? []).map(fromData)
    await this.#call({ ...this.#request, errbacks }, thrown, traceback)
  }

  /** The failure is stored: what was to follow fails as well, as far as that can be read. */
  async failed(error: Failure, state: State = states.FAILURE): Promise<void> {
    try {
      const rest = restOf(this.#request)
      if (rest) await this.#abandon(rest, error, state)
      const end = endOf(this.#request)
      if (end) await this.#count(end, state, error.info)
    } catch (cause) {
      const { task, id } = this.#request
      this.#env.log.critical(`what follows ${task}[${id}] could not be ended: ${messageOf(cause)}`, { error: cause })
    }
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
    if (failed) return this.#failBody(group, body, dependencyError(failed.id, failed.result))
    const header = await this.#env.backend.groups?.restore(group)
    const values = header ? arranged(header, members) : members.map(({ result }) => result)
    await this.#sendBody(group, body, values)
  }

  /** All of the header has ended, and its results are kept: its body is sent, or fails. */
  async unlock(header: GroupResult, body: Canvas): Promise<void> {
    for await (const { id, meta } of endsOf(header)) {
      if (meta && propagateStates.has(meta.status)) {
        return this.#failBody(header.id, body, dependencyError(id, meta.result))
      }
    }
    const timeout = this.#env.app.conf.resultChordJoinTimeout
    await this.#sendBody(header.id, body, await header.get({ timeout, disableSyncSubtasks: false }))
  }

  async #sendBody(group: string, body: Canvas, values: readonly unknown[]): Promise<void> {
    try {
      await this.#send(withArguments(body, [values]))
    } catch (cause) {
      await this.#failBody(group, body, new ChordError(`Callback error: ${messageOf(cause)}`, { cause }))
    }
  }

  async #failBody(group: string, body: Canvas, error: ChordError): Promise<void> {
    this.#env.log.error(`Chord ${group} raised: ${error.message}`, { taskId: this.#request.id })
    const told = failure(error, this.#request.task)
    const children: ResultTuple[] = []
    for (const failed of neverCalled(body)) await this.#call(failed, error, told.traceback, children)
    await this.#abandon(body, told, states.FAILURE, children)
  }

  /** Calls the errbacks: those that want the error here and now, the others by message. */
  async #call(
    failed: Failed,
    thrown: unknown,
    traceback: string | null,
    children: ResultTuple[] = this.#children,
  ): Promise<void> {
    const { id, task, errbacks } = failed
    for (const errback of errbacks) {
      try {
        if (await this.#callInline(errback, failed, thrown, traceback)) continue
        await this.#send(withArguments(errback, [id]), children)
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
    // A function may leave out what it has no use for.
    const { parameters, hasRest } = task.parameters
    const wanted = hasRest ? args : args.slice(0, parameters.length)
    await runInTask(this.#request, this.#children, () => task.run(unbound, wanted, errback.kwargs))
    return true
  }

  async #send(canvas: Canvas, children = this.#children): Promise<void> {
    await runInTask(this.#request, children, () => this.#env.app.send(canvas))
  }
}

/** An errback is never bound, so it has no use for a context. */
const unbound = undefined as never

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
