import { parentPort } from 'node:worker_threads'
import type { FromChild, ToChild } from './child-message.ts'

/** What a child knows of its pool. */
export interface Parent {
  send(message: FromChild): void
  onMessage(listen: (message: ToChild) => void): void
  /** Memory in KiB that ending this child would give back. */
  memoryKib(): number
  /** Ends the child. */
  leave(): void
}

/** A child process ends with its parent, however that ends. */
export function parentProcess(): Parent {
  const leave = () => process.exit()
  process.once('disconnect', leave)
  // Ctrl-C goes to every process of the terminal; what becomes of the tasks is the parent's decision.
  process.on('SIGINT', () => {})
  return {
    send: (message) => void process.send?.(message),
    onMessage: (listen) => void process.on('message', listen),
    memoryKib: () => Math.round(process.memoryUsage.rss() / 1024),
    leave,
  }
}

/** All threads share the memory of their process: a thread's own is its heap. */
export function parentThread(): Parent {
  return {
    send: (message) => parentPort?.postMessage(message),
    onMessage: (listen) => void parentPort?.on('message', listen),
    memoryKib: () => Math.round(process.memoryUsage().heapUsed / 1024),
    leave: () => process.exit(),
  }
}
