import { isMainThread } from 'node:worker_threads'
import type { Celery } from '../app/app.ts'
import type { TaskRequest } from '../app/context.ts'
import { loadApp } from '../app/load.ts'
import type { Backend } from '../backend/backend.ts'
import { sleep, systemClock } from '../clock.ts'
import { CeleryError, messageOf } from '../errors.ts'
import { createLogger } from '../log.ts'
import { repr } from '../protocol/repr.ts'
import { failure, readable } from '../trace/failure.ts'
import type { Outcome } from '../trace/outcome.ts'
import { redirectAsParent } from '../trace/redirect.ts'
import { survive } from '../trace/stray.ts'
import { trace } from '../trace/trace.ts'
import { abortErrors } from './abort.ts'
import type { FromChild, ToChild } from './child-message.ts'
import { parentProcess, parentThread } from './parent.ts'

// The entry of a child: loads the app, then runs one task at a time as its pool asks.

const parent = isMainThread ? parentProcess() : parentThread()
const log = createLogger((record) => tell({ is: 'log', record }), 'debug')

let app: Celery | undefined
let tellsMemory = false
let running: AbortController | undefined

parent.onMessage((message: ToChild) => {
  if (message.do === 'load') void load(message)
  else if (message.do === 'run') void run(message.request)
  else if (message.do === 'abort') running?.abort(abortErrors[message.reason]())
  else void leave()
})

async function load({ appPath, tellsMemory: isAsked }: ToChild & { do: 'load' }): Promise<void> {
  tellsMemory = isAsked
  try {
    app = (await loadApp(appPath)).app
    redirectAsParent(log)
    survive(log)
    await app.signals.workerProcessInit.send(app.main, {}, log)
    tell({ is: 'ready' })
  } catch (error) {
    const { code, message, next } =
      error instanceof CeleryError ? error : new CeleryError('APP_BROKEN', messageOf(error), { cause: error })
    tell({ is: 'unable', code, message, next })
  }
}

async function run(request: TaskRequest): Promise<void> {
  if (!app) return
  running = new AbortController()
  const backend = await openBackend(app)
  const environment = { app, backend, log, sendEvent }
  const outcome = await trace(request, running.signal, environment).catch((error) => lost(request, error))
  running = undefined
  tell({ is: 'done', outcome, memoryKib: tellsMemory ? parent.memoryKib() : 0 })
}

/** The parent waits for an answer, whatever befalls this library. */
function lost(request: TaskRequest, error: unknown): Outcome {
  return { state: 'FAILURE', error: failure(readable(error), request.task), runtimeMs: 0, isExpected: false }
}

// The task is ours already: it waits for the place of its result as long as that is away.
async function openBackend(app: Celery): Promise<Backend> {
  for (;;) {
    try {
      return await app.backend()
    } catch (error) {
      log.error(`Cannot connect to the result backend: ${messageOf(error)}. Trying again in 2.00 seconds...`)
      await sleep(systemClock, 2_000)
    }
  }
}

function sendEvent(type: string, fields?: Record<string, unknown>): void {
  tell({ is: 'event', type, fields })
}

async function leave(): Promise<void> {
  await app?.signals.workerProcessShutdown.send(app.main, { pid: process.pid }, log)
  await app?.close()
  parent.leave()
}

function tell(message: FromChild): void {
  try {
    parent.send(message)
  } catch {
    parent.send(sendable(message)) // what cannot be cloned (a function) goes as its text
  }
}

function sendable(message: FromChild): FromChild {
  if (message.is === 'log') {
    const { fields } = message.record
    return { ...message, record: { ...message.record, fields: textual(fields) } }
  }
  if (message.is === 'event') return { ...message, fields: message.fields && textual(message.fields) }
  if (message.is !== 'done' || message.outcome.state !== 'SUCCESS') return message
  return { ...message, outcome: { ...message.outcome, value: repr(message.outcome.value) } }
}

const textual = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, repr(value)]))
