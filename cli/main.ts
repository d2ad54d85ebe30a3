import { createContext } from './context.ts'
import { exitCodeOf, exitCodes, exitNow } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { reportFailure } from './output/failure.ts'
import { print } from './output/printer.ts'
import { parse } from './program.ts'

/** From the words of the command line to the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  quietOnClosedPipe()
  const { signal, release } = interruptible()
  const asked = { json: argv.includes('--json'), plain: argv.includes('--plain') }
  const context = createContext(asked, signal)
  try {
    const invocation = await parse(argv)
    if (!invocation) return
    const { command, options, args } = invocation
    await print(command.run(context, options, args), command, context)
    process.exitCode ??= exitCodes.ok
  } catch (error) {
    if (!signal.aborted) reportFailure(error, context)
    process.exitCode = signal.aborted ? exitCodes.interrupted : exitCodeOf(error)
  } finally {
    release()
  }
}

// `celery-sandbox logs | head -1`: the reader has seen enough, which is no error.
function quietOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') exitNow(exitCodes.ok)
      throw error
    })
  }
}
