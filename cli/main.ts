import { createContext } from './context.ts'
import { exitCodeOf, exitCodes } from './exit.ts'
import { interruptible } from './interrupt.ts'
import { reportFailure } from './output/failure.ts'
import { print } from './output/printer.ts'
import { parse } from './program.ts'

/** From the words of the command line to the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const { signal, interrupt, release } = interruptible()
  endWithReader(interrupt)
  const asked = { json: argv.includes('--json'), plain: argv.includes('--plain') || argv.includes('--no-color') }
  let context = createContext(asked, signal)
  try {
    const invocation = await parse(argv)
    if (!invocation) return
    const { command, options, args, takesCommand } = invocation
    // Behind the words of another program, --json is that program's.
    if (takesCommand) context = createContext({ json: options.json === true, plain: options.plain === true }, signal)
    await print(command.run(context, options, args), command, context)
    process.exitCode ??= exitCodes.ok
  } catch (error) {
    if (!signal.aborted) reportFailure(error, context)
    process.exitCode = exitCodeOf(signal.aborted ? signal.reason : error)
  } finally {
    release()
  }
}

// `celery-sandbox logs | head -1`, or a terminal that was closed: nobody reads on. What was begun still ends in order.
function endWithReader(interrupt: (reason: Error) => void): void {
  for (const stream of [process.stdin, process.stdout, process.stderr]) stream.on('error', interrupt)
}
