import { existsSync } from 'node:fs'
import { reachableEngines } from '../engine/choose.ts'
import type { Commands, ContainerState, Engine } from '../engine/engine.ts'
import type { Environment } from '../file/discover.ts'
import { composeLabels, partsLabel } from '../identity/labels.ts'

/** A stack on this machine, told from its containers. */
export interface StackSummary {
  readonly name: string
  readonly engine: 'docker' | 'embedded'
  /** Where it was started, as far as its containers know. */
  readonly directory: string | undefined
  readonly files: readonly string[]
  /** How many containers are in which state: `{ running: 3, exited: 1 }`. */
  readonly states: Readonly<Record<string, number>>
  /** `docker compose` when none of its containers is ours. */
  readonly madeBy: 'celery-sandbox' | 'docker compose'
  /** Whether its directory is no longer there. */
  readonly isOrphan: boolean
}

/** What `listStacks` takes. */
export interface ListStacksOptions {
  /** @default process.env */
  readonly env?: Environment | undefined
  /** @default 'auto': all that can be reached */
  readonly engine?: 'auto' | 'docker' | 'embedded' | undefined
}

/**
 * Every stack that has containers, on every engine that can be reached: Docker, and the embedded engines of this user.
 *
 * @throws {StackError} when Docker was asked for and does not answer
 */
export async function listStacks({
  env = process.env,
  engine = 'auto',
}: ListStacksOptions = {}): Promise<readonly StackSummary[]> {
  const engines = await reachableEngines(engine, env, nothingIsStarted)
  const stacks = await Promise.all(engines.map(stacksOf))
  return stacks.flat().sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

const nothingIsStarted: Commands = { broker: [], bin: [] }

async function stacksOf(engine: Engine): Promise<readonly StackSummary[]> {
  const containers = await engine.containers()
  const projects = Map.groupBy(containers, ({ labels }) => labels[composeLabels.project] ?? '')
  return [...projects].map(([name, its]) => summaryOf(name, its, engine))
}

/** A stack by its containers. */
export function summaryOf(
  name: string,
  containers: readonly ContainerState[],
  { kind, host }: Pick<Engine, 'kind' | 'host'>,
): StackSummary {
  const directory = firstValue(containers, composeLabels.directory)
  const isHere = host === '127.0.0.1'
  return {
    name,
    engine: kind,
    directory,
    files: (firstValue(containers, composeLabels.files) ?? '').split(',').filter((file) => file !== ''),
    states: Object.fromEntries(
      [...Map.groupBy(containers, ({ state }) => state)].map(([state, its]) => [state, its.length]),
    ),
    madeBy: containers.some(({ labels }) => partsLabel in labels) ? 'celery-sandbox' : 'docker compose',
    isOrphan: isHere && directory !== undefined && !existsSync(directory),
  }
}

function firstValue(containers: readonly ContainerState[], label: string): string | undefined {
  return containers.map(({ labels }) => labels[label]).find((value) => value !== undefined && value !== '')
}
