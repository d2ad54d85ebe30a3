import type { Celery } from '../../app/app.ts'
import type { CommandDescription } from '../../control/command.ts'
import { UnknownCommand } from '../../control/mailbox.ts'
import { appCommands } from './app-commands.ts'
import { eventCommands } from './event-commands.ts'
import { limitCommands } from './limit-commands.ts'
import { poolCommands } from './pool-commands.ts'
import { queueCommands } from './queue-commands.ts'
import { revokeCommands } from './revoke-commands.ts'
import type { Commands, PanelTarget, WorkerCommand } from './target.ts'
import { taskCommands } from './task-commands.ts'
import { workerCommands } from './worker-commands.ts'

const celerys: Commands = {
  ...appCommands,
  ...taskCommands,
  ...revokeCommands,
  ...limitCommands,
  ...eventCommands,
  ...workerCommands,
  ...poolCommands,
  ...queueCommands,
}

/** Every command that the app's workers understand, by name: Celery's, and those of the app. */
export function remoteCommands(app: Celery): Readonly<Record<string, CommandDescription>> {
  return commandsOf(app)
}

const commandsOf = (app: Celery): Commands => ({ ...celerys, ...app.commands })

/** Carries out a command in a worker. @throws {UnknownCommand} */
export function carryOut(worker: PanelTarget, method: string, args: Readonly<Record<string, unknown>>): unknown {
  const command = find(commandsOf(worker.app), method)
  if (!command) throw new UnknownCommand(method)
  return command.run(worker, args)
}

function find(commands: Commands, method: string): WorkerCommand | undefined {
  if (Object.hasOwn(commands, method)) return commands[method]
  return Object.values(commands).find(({ alias }) => alias === method)
}
