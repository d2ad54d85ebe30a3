import { fork } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { constants } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { FromChild, ToChild } from './child-message.ts'

/** A place for one task at a time, apart from this thread. */
export interface Child {
  /** The process that it is, or is in. */
  readonly pid: number
  send(message: ToChild): void
  /** A thread knows no signals; it ends the same by any. */
  kill(signal: NodeJS.Signals): void
}

export interface ChildListener {
  onMessage(message: FromChild): void
  /** Called once, and last. @param how `exitcode 1`, `signal 9 (SIGKILL)` */
  onExit(how: string): void
}

export type OpenChild = (listener: ChildListener) => Child

// Beside this file, as it is: TypeScript in the source tree, JavaScript in the package.
const entry = new URL(`./child${extname(import.meta.url)}`, import.meta.url)

export const openProcess: OpenChild = ({ onMessage, onExit }) => {
  const child = fork(entry, {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // The modules are found compiled, if this process keeps such a cache.
    env: { NODE_COMPILE_CACHE: getCompileCacheDir(), ...process.env },
  })
  let isOver = false
  const end = (how: string) => {
    if (!isOver) onExit(how)
    isOver = true
  }
  child.on('message', onMessage)
  child.on('exit', (code, signal) => end(signal ? describeSignal(signal) : `exitcode ${code}`))
  // It could not be started, or a message found it gone; the latter is followed by its exit.
  child.on('error', (error) => child.pid === undefined && end(error.message))
  return {
    pid: child.pid ?? 0,
    send: (message) => void child.send(message, () => {}),
    kill: (signal) => void child.kill(signal),
  }
}

export const openThread: OpenChild = ({ onMessage, onExit }) => {
  const thread = new Worker(entry)
  let reason: string | undefined
  thread.on('message', onMessage)
  thread.on('error', (error) => {
    reason = error instanceof Error ? error.message : String(error)
  })
  thread.on('exit', (code) => onExit(reason ?? `exitcode ${code}`))
  return {
    pid: process.pid,
    send: (message) => thread.postMessage(message),
    kill: () => void thread.terminate(),
  }
}

/** `signal 9 (SIGKILL)`, as billiard says it. */
const describeSignal = (signal: NodeJS.Signals) => `signal ${constants.signals[signal]} (${signal})`
