import type { ContainerState, Engine } from '../engine/engine.ts'
import { execute } from '../execute/execute.ts'
import { dismantle } from '../plan/dismantle.ts'
import { planLines } from '../plan/plan.ts'
import { refuseElsewhere } from '../plan/preconditions.ts'
import { alone, type Context, type Doing } from './context.ts'

/** What `down` takes. */
export interface DownOptions {
  /** Removes volumes too. @default false */
  readonly volumes?: boolean | undefined
  /** Removes images too: `local` those built for the project, `all` also those that its containers were made of. */
  readonly images?: 'local' | 'all' | undefined
  /** Before a container is killed; otherwise its own grace period. */
  readonly timeoutSeconds?: number | undefined
  /** Takes down a project of the same name from another directory. @default false */
  readonly anyDirectory?: boolean | undefined
}

/**
 * Removes everything of the project and nothing else, also one-off runs and services that the file no longer has or no
 * profile enables; needs no valid file.
 */
export function down(context: Context, options: DownOptions, doing: Doing): Promise<void> {
  return alone(context, 'down', doing, () => takeDown(context, options, doing))
}

async function takeDown(context: Context, options: DownOptions, { emit, signal }: Doing): Promise<void> {
  const startedAt = Date.now()
  const { project, engine, reason } = context
  const { volumes = false, timeoutSeconds } = options
  emit({ type: 'engine', kind: engine.kind, endpoint: engine.endpoint, reason })
  const [containers, resources] = await Promise.all([engine.containers(project.name), engine.resources(project.name)])
  // Without a file the project was named on purpose, from wherever.
  if (!options.anyDirectory && project.files.length > 0) refuseElsewhere(project, containers)
  const images = await imagesOf(engine, project.name, containers, options.images)
  const plan = dismantle(project.name, { containers, ...resources }, { volumes, images })
  const operations = planLines(plan)
  emit({ type: 'plan', operations, found: containers.length })
  await execute(plan, {
    engine,
    project: project.name,
    emit,
    signal,
    ending: { volumes },
    stopTimeoutSeconds: timeoutSeconds,
  })
  await engine.release(project.name)
  for (const { name } of volumes ? [] : resources.volumes) {
    emit({ type: 'resource', resource: 'volume', name, step: 'kept', detail: 'its data stays; --volumes removes it' })
  }
  emit({ type: 'done', changed: operations.length > 0, elapsedMs: Date.now() - startedAt })
}

async function imagesOf(
  engine: Engine,
  project: string,
  containers: readonly ContainerState[],
  which: DownOptions['images'],
): Promise<readonly string[]> {
  if (!which) return []
  const built = await engine.builtImages(project)
  if (which === 'local') return built
  // What was built goes by its id: its name must not be removed first.
  const names = [...new Set(containers.map(({ image }) => image))]
  const known = await engine.images(names)
  return [...built, ...names.filter((name) => !built.includes(known[name]?.id ?? ''))]
}
