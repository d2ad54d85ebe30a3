import type { Command, CommandDescription } from '../control/command.ts'
import type { Logger } from '../log.ts'

/** What a command of the app's own can reach in the worker that carries it out. */
export interface ControlledWorker {
  readonly hostname: string
  readonly log: Logger
  /** Carries out another command, any that the worker understands: `worker.run('active')`. */
  run(command: string, args?: Readonly<Record<string, unknown>>): unknown
}

export type OwnCommand = Command<ControlledWorker>

export type CommandOptions = Partial<Omit<CommandDescription, 'kind'>>
