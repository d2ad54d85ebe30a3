import { exitCodes, exitNow } from './exit.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * The first Ctrl-C (or SIGTERM, SIGHUP) asks the command to end in order; the second ends it at once.
 *
 * @returns the question as an AbortSignal, how else to ask it, and how to stop listening
 */
export function interruptible(): { signal: AbortSignal; interrupt: (reason: Error) => void; release: () => void } {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals) => {
    if (taker) return taker(name)
    // A terminal that closes may say so more than once; nobody is impatient there.
    if (controller.signal.aborted && name !== 'SIGHUP') exitNow(exitCodes.interrupted)
    controller.abort(new DOMException('interrupted', 'AbortError'))
  }
  for (const name of signals) process.on(name, onSignal)
  return {
    signal: controller.signal,
    interrupt: (reason) => controller.abort(reason),
    release: () => {
      for (const name of signals) process.off(name, onSignal)
    },
  }
}

let taker: ((name: NodeJS.Signals) => void) | undefined

/** Takes the signals into one's own hands, SIGQUIT with them: none ends the process any more. */
export function takeSignals(onSignal: (name: NodeJS.Signals) => void): void {
  taker = onSignal
  process.on('SIGQUIT', onSignal)
}

/** Calls back when the signal aborts, also when it has done so already. */
export function onAbort(signal: AbortSignal, run: () => void): void {
  if (signal.aborted) run()
  else signal.addEventListener('abort', run, { once: true })
}

/** What the work gives, unless the signal aborts before; then its reason is thrown. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    onAbort(signal, () => reject(signal.reason))
    work.then(resolve, reject)
  })
}

/** Calls back when the supervisor that started this process is gone, so that nobody would ever stop it. */
export function onOrphaned(run: () => void): void {
  process.once('disconnect', run)
  process.channel?.unref() // listening alone would keep the process alive
}
