import type { Engine, ExecSpec, Session } from '../engine/engine.ts'
import { selectRunning } from './selection.ts'

/** What to run where. */
export interface ExecOptions extends ExecSpec {
  readonly service: string
  /** The number of the container. @default the first that runs */
  readonly index?: number | undefined
}

/** @throws {StackError} SERVICE_UNKNOWN, SERVICE_NOT_RUNNING */
export async function exec(engine: Engine, project: string, options: ExecOptions): Promise<Session> {
  const { id } = await selectRunning(engine, project, options.service, options.index)
  return engine.exec(id, options)
}

/** Leaves the program to itself. */
export async function execDetached(engine: Engine, project: string, options: ExecOptions): Promise<void> {
  const { id } = await selectRunning(engine, project, options.service, options.index)
  await engine.execDetached(id, options)
}
