import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { binPath } from '../../cli/installation.ts'
import { linkRunningCopy } from '../../cli/scaffold/install.ts'
import { type Answers, defaultAnswers, planScaffold } from '../../cli/scaffold/plan.ts'
import { writeScaffold } from '../../cli/scaffold/write.ts'
import { type Outcome, type ProcessOptions, type Program, run, start } from './process.ts'

/** The built command line, run as a person would run it. */

/** What a person's shell has and a test runner's has not: no CI, no colours asked for, no broker of this machine's. */
const clean = {
  CI: undefined,
  FORCE_COLOR: undefined,
  NODE_ENV: undefined,
  VITEST: undefined,
  CELERY_BROKER_URL: undefined,
  CELERY_RESULT_BACKEND: undefined,
}

/** The words of a shell that run the command line. */
export const cliCommand: string = `${process.execPath} ${binPath}`

export function cli(args: string[], options: ProcessOptions & { timeoutMs?: number } = {}): Promise<Outcome> {
  return run(process.execPath, [binPath, ...args], { ...options, env: { ...clean, ...options.env } })
}

/** A command that stays. */
export function startCli(args: string[], options: ProcessOptions = {}): Program {
  return start(process.execPath, [binPath, ...args], { ...options, env: { ...clean, ...options.env } })
}

/** A directory of the test's own. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'celery-sandbox-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A project that uses the built package in place, without npm: its directory. */
export async function makeProject(parent: string, answers: Partial<Answers> = {}): Promise<string> {
  const plan = planScaffold({ ...defaultAnswers, name: 'shop', ...answers }, parent)
  await writeScaffold(plan, { force: false, finish: linkRunningCopy })
  return plan.directory
}
