import { chooseEngine, type EngineChoice } from '../engine/choose.ts'
import type { Commands } from '../engine/engine.ts'
import type { Environment } from '../file/discover.ts'
import { type OpenedProject, openProject } from '../file/project.ts'
import { dockerFacts, pluginFacts, troubleOf } from './docker-facts.ts'
import type { Facts, Trouble } from './facts.ts'
import { type Diagnosis, judge } from './judge.ts'
import { machineFacts } from './machine-facts.ts'
import { projectFacts } from './project-facts.ts'

/** What `examine` takes. */
export interface ExamineOptions {
  /** Where to look for a compose file, then each parent. @default the working directory */
  readonly directory?: string | undefined
  readonly files?: readonly string[] | undefined
  readonly projectName?: string | undefined
  readonly env?: Environment | undefined
  readonly commands: Commands
}

/** What was found, and what is to be said of it. */
export interface Examination extends Diagnosis {
  readonly facts: Facts
}

/**
 * Looks at machine, engines and project, changes nothing, and throws for nothing that may be wrong with them.
 *
 * @example
 * const { findings, works } = await examine({ commands })
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const env = options.env ?? process.env
  const { project, projectTrouble } = findProject(options)
  const [docker, plugins, found] = await Promise.all([
    dockerFacts(env),
    pluginFacts(env),
    project && withEngine(project, options),
  ])
  const facts: Facts = { machine: machineFacts(), ...docker, ...plugins, project: found, projectTrouble }
  return { facts, ...judge(facts) }
}

async function withEngine(project: OpenedProject, options: ExamineOptions) {
  const choice = await engineOf(project, options)
  try {
    return await projectFacts(project, choice?.engine)
  } finally {
    await choice?.engine.close()
  }
}

/** The engine that the project would run on. */
export function engineOf(project: OpenedProject, options: ExamineOptions): Promise<EngineChoice | undefined> {
  const { env = process.env, commands } = options
  return chooseEngine({ wanted: 'auto', env, directory: project.directory, commands }).catch(() => undefined)
}

/** To be outside of a project is no trouble, unless somebody named its files. */
export function findProject(options: ExamineOptions): {
  project: OpenedProject | undefined
  projectTrouble: Trouble | undefined
} {
  try {
    return { project: openProject(options), projectTrouble: undefined }
  } catch (thrown) {
    const trouble = troubleOf(thrown)
    const isOutside = trouble.code === 'COMPOSE_FILE_NOT_FOUND' && !options.files?.length
    return { project: undefined, projectTrouble: isOutside ? undefined : trouble }
  }
}
